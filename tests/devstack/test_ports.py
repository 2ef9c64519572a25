"""Free ports, and the errors about ports that are taken."""

import socket

import pytest

from devstack.errors import PortTaken
from devstack.ports import EPHEMERAL, answers, claim, free_port, in_use


def test_free_port_can_be_bound_and_is_below_the_ephemeral_range() -> None:
    for _ in range(50):
        port = free_port()
        assert port < int(EPHEMERAL.read_text().split()[0])
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_listener_is_detected_on_one_address_and_on_all(host: str) -> None:
    with socket.create_server((host, 0)) as holder:
        port = holder.getsockname()[1]
        assert in_use(port)
        assert await answers(port)
    assert not in_use(port)
    assert not await answers(port)


def test_claim_of_0_gives_a_free_port_and_a_free_port_gives_itself() -> None:
    port = claim(0, "API", "TETHER_PORT")
    assert claim(port, "API", "TETHER_PORT") == port


def test_claim_of_a_taken_port_names_port_use_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} \(API\) is taken; set TETHER_PORT to another"):
            claim(port, "API", "TETHER_PORT")


def test_free_port_is_never_returned_twice() -> None:
    ports = [free_port() for _ in range(300)]
    assert len(set(ports)) == len(ports)
