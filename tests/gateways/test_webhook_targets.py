"""Where deliveries may go: no URL, name or redirect leads a request into the network behind it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import httpx2
import pytest

from errors import Refused
from gateways.webhooks import Delivery, WebhookAnswer, Webhooks
from tests.support.receivers import SECRET, Resolver, Wire

PUBLIC = "93.184.216.34"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

EVASIVE_TEXTS = [
    "http://receiver.example/",  # not https
    "ftp://receiver.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "//receiver.example/",
    "https:/receiver.example/",
    "https:///path",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",  # decimal
    "https://017700000001/",  # octal
    "https://0177.0.0.1/",
    "https://0x7f000001/",  # hexadecimal
    "https://0x7f.0.0.1/",
    "https://127.0.0.0x1/",
    "https://127.0.0.1./",  # trailing dot
    "https://localhost./",
    "https://receiver.example./",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",  # shared address space
    "https://100.100.100.200/",  # metadata
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",  # IPv4-mapped
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::ffff:0:7f00:1]/",  # IPv4-translated
    "https://[64:ff9b::7f00:1]/",  # NAT64
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",  # 6to4
    "https://[2001:0:7f00:1::]/",  # Teredo
    "https://[fc00::1]/",  # unique local
    "https://[fd00:ec2::254]/",  # metadata
    "https://[fe80::1]/",  # link-local
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://user@receiver.example/",
    "https://user:word@receiver.example/",
    "https://receiver.example@127.0.0.1/",
    "https://receiver.example:443@127.0.0.1/",
    "https://127.0.0.1#@receiver.example/",
    "https://127.0.0.1\\@receiver.example/",
    "https://receiver.example\\.internal/",
    "https://receiver.example/ path",
    "https://receiver.example/\r\nHost: internal",
    "https://\treceiver.example/",
    " https://receiver.example/",
    "https://%31%32%37.0.0.1/",  # percent-encoded
    "https://receiver%2eexample/",
    "https://①②⑦.⓪.⓪.①/",  # normalised to digits
    "https://127。0。0。1/",
    "https://ʀeceiver.example/",
    "https://receiver..example/",
    "https://-/",
    "https://receiver.example:0/",
    "https://receiver.example:99999/",
    "https://receiver.example:x/",
    "https://receiver.example/" + "x" * 2_000,
]
"""URLs that are refused by their text alone."""

EVASIVE_NAMES: Mapping[str, Sequence[str]] = {
    "loopback.example": ["127.0.0.1"],
    "localhost": ["127.0.0.1", "::1"],
    "mixed.example": [PUBLIC, "10.0.0.1"],
    "mixed6.example": ["2606:2800:220:1::1", "::1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "translated.example": ["64:ff9b::a00:1"],
    "metadata.example": ["169.254.169.254"],
    "metadata6.example": ["fd00:ec2::254"],
    "wire.example": ["168.63.129.16"],
    "local6.example": ["fe80::1%2"],
    "zero.example": ["0.0.0.0"],
    "broadcast.example": ["255.255.255.255"],
    "nothing.example": [],
}
"""Names whose addresses are refused."""


def delivery(url: str) -> Delivery:
    return Delivery(url, "id", b"[]", "application/cloudevents-batch+json", [SECRET], NOON)


async def deliver(
    url: str, wire: Wire, *, allow: Sequence[str] = (), names: Mapping[str, Sequence[str]] | None = None
) -> WebhookAnswer:
    """Delivers to a URL, over a fake wire and with a fake resolver."""
    resolver = Resolver(names or {"receiver.example": [PUBLIC], **EVASIVE_NAMES})
    async with Webhooks(allow, resolve=resolver, transport=wire.transport) as webhooks:
        return await webhooks.deliver(delivery(url))


@pytest.mark.parametrize("url", EVASIVE_TEXTS)
async def test_evasive_url_is_refused_by_its_text_and_reaches_nothing(url: str) -> None:
    wire = Wire()
    with pytest.raises(Refused, match="TETHER_WEBHOOK_ALLOW"):
        Webhooks().check(url)
    answer = await deliver(url, wire)
    assert (answer.status, answer.sent, wire.requests) == (None, False, [])


@pytest.mark.parametrize("host", EVASIVE_NAMES)
async def test_name_with_an_address_that_is_not_public_reaches_nothing(host: str) -> None:
    wire = Wire()
    answer = await deliver(f"https://{host}/", wire)
    assert (answer.status, answer.sent, wire.requests) == (None, False, [])


@pytest.mark.parametrize("port", [22, 25, 80, 1023])
async def test_ports_of_other_protocols_are_not_connected_to(port: int) -> None:
    wire = Wire()
    assert (await deliver(f"https://receiver.example:{port}/", wire)).status is None
    assert wire.requests == []


@pytest.mark.parametrize("url", ["https://receiver.example/hook?x=1", "https://receiver.example:8443/hook?x=1"])
async def test_connection_goes_to_the_checked_address_with_host_and_sni(url: str) -> None:
    wire = Wire()
    assert (await deliver(url, wire)).accepted
    (request,) = wire.requests
    assert request.url.host == PUBLIC
    assert request.headers["host"] == httpx2.URL(url).netloc.decode()
    assert request.extensions["sni_hostname"] == "receiver.example"
    assert request.url.raw_path == b"/hook?x=1"


async def test_public_ipv6_address_is_reached() -> None:
    wire = Wire()
    assert (await deliver("https://six.example/", wire, names={"six.example": ["2606:2800:220:1::1"]})).accepted
    assert wire.requests[0].url.host == "2606:2800:220:1::1"


async def test_name_is_resolved_once_for_each_request_and_checked_each_time() -> None:
    wire = Wire()
    resolver = Resolver({"receiver.example": [PUBLIC]})
    async with Webhooks(resolve=resolver, transport=wire.transport) as webhooks:
        assert (await webhooks.deliver(delivery("https://receiver.example/"))).accepted
        assert resolver.resolved == ["receiver.example"]
        resolver.names = {"receiver.example": ["127.0.0.1"]}  # the name is bound to another address
        assert not (await webhooks.deliver(delivery("https://receiver.example/"))).sent
    assert [request.url.host for request in wire.requests] == [PUBLIC]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    wire = Wire(httpx2.Response(status, headers={"location": "http://127.0.0.1/"}))
    answer = await deliver("https://receiver.example/", wire)
    assert (answer.status, answer.accepted, len(wire.requests)) == (status, False, 1)
    assert "not followed" in answer.words


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        (["127.0.0.0/8"], "http://127.0.0.1:9000/"),
        (["127.0.0.0/8", "::1/128"], "http://localhost:9000/"),
        (["inside.example"], "http://inside.example/"),
        (["INSIDE.example"], "https://inside.example:22/"),
        (["10.0.0.0/8"], "https://inside.example/"),
        (["fd00::/8"], "https://[fd00::7]/"),
    ],
)
async def test_allow_list_opens_hosts_and_networks(allow: Sequence[str], url: str) -> None:
    wire = Wire()
    answer = await deliver(url, wire, allow=allow, names={**EVASIVE_NAMES, "inside.example": ["10.1.2.3"]})
    assert answer.accepted, answer


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        (["10.0.0.0/8"], "http://receiver.example/"),  # public, but not by https
        (["10.0.0.0/8"], "https://loopback.example/"),
        (["inside.example"], "https://deeper.inside.example/"),
        (["inside.example"], "https://10.1.2.3/"),
        (["10.0.0.0/8"], "http://[::ffff:10.0.0.1]/"),
    ],
)
async def test_allow_list_opens_nothing_else(allow: Sequence[str], url: str) -> None:
    wire = Wire()
    names = {"receiver.example": [PUBLIC], **EVASIVE_NAMES, "deeper.inside.example": ["10.1.2.3"]}
    assert not (await deliver(url, wire, allow=allow, names=names)).sent
    assert wire.requests == []


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://inside", "inside:80", "127.1", ""])
def test_entry_of_the_allow_list_that_is_no_host_or_network_is_refused(entry: str) -> None:
    with pytest.raises(Refused, match="TETHER_WEBHOOK_ALLOW"):
        Webhooks([entry])
