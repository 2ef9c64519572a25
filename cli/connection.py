"""Finds the API's URL and key: by flag, then environment variable, then the embedded stack's files."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from cli.environment import admin_key, read_settings, stack
from errors import Refused

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The API's base URL, without a trailing slash, and an API key, which may be empty."""

    url: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def local(self) -> bool:
        """Whether it is on this machine: then no proxy is used, and the embedded stack's key may be sent."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def resolve_endpoint(url: str, key: str) -> Endpoint:
    """Returns the endpoint to use. ``url`` and ``key`` are those of flag or environment, and may be empty.

    Raises Refused if they cannot be used.
    """
    settings = None if url and key else read_settings()
    if not url:
        url = (stack(settings) if settings else {}).get("api", DEFAULT_URL)
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise Refused(f"--url {url}: is not an HTTP address. Write it like {DEFAULT_URL}.")
    if not (key.isascii() and (key.isprintable() or not key)):
        raise Refused("--key: contains characters that no key has. Copy it again, without a line break.")
    connection = Endpoint(url.rstrip("/"), key)
    # The embedded stack's key is never sent to another machine.
    if settings and not key and connection.local:
        return Endpoint(connection.url, admin_key(settings))
    return connection
