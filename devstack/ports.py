"""Free ports, and a clear word about those that are not."""

import asyncio
import random
import socket
import sys
from pathlib import Path

from devstack.errors import PortTaken

LOOPBACK = "127.0.0.1"
LOWEST = 20_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: dict[int, socket.socket | None] = {}


def free_port(host: str = LOOPBACK) -> int:
    """A port on which nobody listens, and that nobody was given before who still runs: it may be about to be used.

    Taken from below the range the kernel uses for outgoing connections: otherwise one of those could sit on
    the port while its server is down, and a client that keeps trying could even connect to itself.
    """
    highest = _first_ephemeral() - 1
    for _ in range(1_000):
        port = random.SystemRandom().randint(LOWEST, highest)
        if port not in _given and not in_use(port, host) and _reserve(port):
            return port
    raise PortTaken(LOWEST, f"and every other one up to {highest}", "TETHER_*_PORT")


def _reserve(port: int) -> bool:
    """For this process, until it ends; False: another one has it. Processes know of each other on Linux alone."""
    mark = None
    if sys.platform == "linux":
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0tether-port-{port}")
        except OSError:
            mark.close()
            return False
    _given[port] = mark
    return True


def in_use(port: int, host: str = LOOPBACK) -> bool:
    """Whether someone listens there, on this host's address or on all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier run that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


async def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether a connection is accepted there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def claim(port: int, what: str, setting: str, host: str = LOOPBACK) -> int:
    """The port itself, or a free one for 0. Raises PortTaken, naming the setting that changes it."""
    if port == 0:
        return free_port(host)
    if in_use(port, host):
        raise PortTaken(port, what, setting)
    return port


def _first_ephemeral() -> int:
    try:
        lowest = int(EPHEMERAL.read_text().split()[0])
    except OSError:
        lowest = 32_768
    return lowest if lowest > LOWEST + 1_000 else 65_536
