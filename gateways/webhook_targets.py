"""Which URLs deliveries may go to: no request of a caller may reach a service inside the network (SSRF).

A target is ``https`` at a public address. The allow-list of the configuration opens hosts and networks by name, also by
``http``: loopback in development, a receiver in the same network in production. The text of a URL is checked when it is
given; the addresses of its host before every single connection, which then goes to the address that was checked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2 as httpx

from errors import Refused

Address = IPv4Address | IPv6Address

LONGEST = 2_000
"""Characters of a URL."""
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_WELL_KNOWN = 1024
"""Ports below are those of other protocols, except that of https."""
_TRANSLATED = ip_network("64:ff9b::/96")
"""NAT64: the last four bytes are an IPv4 address (RFC 6052)."""
_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is assigned to the public; the rest is local, translated or reserved."""
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # a cloud's metadata behind a public address
        "192.0.0.0/24",  # protocol assignments, among them metadata
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # Teredo and other protocols
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. ``host``: lower-case, without brackets; ``literal``: the address that it is, None for a name."""

    url: httpx.URL
    host: str
    port: int
    literal: Address | None


class AllowList:
    """Hosts and networks that deliveries may go to though they are not public: ``receiver.internal``, ``10.1.0.0/16``.

    Raises Refused for an entry that is neither.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ip_network(entry))
            except ValueError:
                if not _is_name(entry.lower()):
                    raise Refused(
                        f"TETHER_WEBHOOK_ALLOW: {entry!r} is neither a host nor a network; write receiver.internal, or "
                        "10.1.0.0/16 with no bits set beyond the prefix"
                    ) from None
                self._hosts.add(entry.lower())

    def names(self, target: Target) -> bool:
        """Whether the host itself is listed."""
        return target.host in self._hosts

    def may_name(self, target: Target) -> bool:
        """Whether the host is listed, or an address of it may be."""
        return self.names(target) or bool(self._networks)

    def covers(self, address: Address) -> bool:
        """Whether a network in the list contains an address."""
        return any(address in network for network in self._networks)


def parse(url: str, allowed: AllowList) -> Target:
    """Checks the text of a URL. Raises Refused; no name is resolved, and nothing is connected to."""
    target = _parsed(url)
    if target.literal is not None and not allowed.names(target):
        check([target.literal], target, allowed)
    elif target.url.scheme != "https" and not allowed.may_name(target):
        raise _refused("is not https")
    return target


def check(addresses: Sequence[Address], target: Target, allowed: AllowList) -> None:
    """Raises Refused unless a target may be reached at all of the addresses of its host."""
    if not addresses:
        raise _refused("has a host without addresses")
    if allowed.names(target) or all(map(allowed.covers, addresses)):
        return
    if target.url.scheme != "https":
        raise _refused("is not https")
    if target.port != 443 and target.port < _WELL_KNOWN:
        raise _refused(f"has the port {target.port}, which belongs to another protocol")
    if not all(map(_is_public, addresses)):
        raise _refused("leads to an address that is not public")


def _parsed(url: str) -> Target:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise _refused("is no URL") from None
    authority = re.match(r"https?://([^/?#]*)", url, re.ASCII)
    if authority is None or parsed.scheme not in ("http", "https"):
        raise _refused("is not https")
    problem = _problem(url, authority[1], parsed)
    if problem:
        raise _refused(problem)
    host = parsed.host.lower()
    return Target(parsed, host, parsed.port or (443 if parsed.scheme == "https" else 80), _literal(host))


def _problem(url: str, authority: str, parsed: httpx.URL) -> str:
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not url.isascii() or not url.isprintable() or any(c in ' \\^`{|}<>"' for c in url):
        return "has characters that must be percent-encoded, or a host that must be in Punycode"
    if parsed.userinfo or "@" in authority:
        return "has a user or a password in it; deliveries are signed"
    if "#" in url:
        return "has a fragment"
    if "%" in authority:
        return "has a percent-encoded host, or a zone"
    if parsed.port is not None and not 0 < parsed.port < 65536:
        return "has no port of 1 to 65535"
    host = parsed.host.lower()
    if _literal(host) is None and not _is_name(host):
        return "has a host that is neither a name nor an IP address in its usual form"
    return ""


def _is_name(host: str) -> bool:
    """Whether every resolver takes a host for a name: ``127.1`` and ``0x7f000001`` are addresses to some."""
    labels = host.split(".")
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def _literal(host: str) -> Address | None:
    """The address that a host is in its usual form, without zeros before decimals, and without a zone."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return _is_public(IPv4Address(address.packed[-4:]))
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _REFUSED)


def _refused(problem: str) -> Refused:
    return Refused(
        f"the URL of the webhook {problem}; use https:// and a public host, or list the host or its network in "
        "TETHER_WEBHOOK_ALLOW"
    )
