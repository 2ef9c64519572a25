"""Finds free ports, and checks whether a port is free."""

import asyncio
import random
import socket
import sys
from pathlib import Path

from devstack.errors import PortTaken

LOOPBACK = "127.0.0.1"
MINIMUM = 20_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_reserved: dict[int, socket.socket | None] = {}


def free_port(host: str = LOOPBACK) -> int:
    """A port on which no process listens, and which was not returned before to a process that still runs.

    It is below the range that the kernel uses for outgoing connections: otherwise such a connection could occupy the
    port while its server is down, and a client that retries could even connect to itself. Raises PortTaken if no port
    is free.
    """
    highest = _first_ephemeral() - 1
    for _ in range(1_000):
        port = random.SystemRandom().randint(MINIMUM, highest)
        if port not in _reserved and not in_use(port, host) and _reserve(port):
            return port
    raise PortTaken(MINIMUM, f"and every other one up to {highest}", "TETHER_*_PORT")


def _reserve(port: int) -> bool:
    """Reserves the port for this process until it ends. Returns False if another process has it (on Linux only)."""
    mark = None
    if sys.platform == "linux":
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0tether-port-{port}")
        except OSError:
            mark.close()
            return False
    _reserved[port] = mark
    return True


def in_use(port: int, host: str = LOOPBACK) -> bool:
    """Whether a process listens on the port, on this address or on all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier run in TIME_WAIT must not make the port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


async def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether a connection to the port is accepted."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def claim(port: int, what: str, setting: str, host: str = LOOPBACK) -> int:
    """The port itself, or a free one for 0. Raises PortTaken if another process listens there.

    `what` names the use of the port and `setting` the variable that changes it, for the message.
    """
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
    return lowest if lowest > MINIMUM + 1_000 else 65_536
