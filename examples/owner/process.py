"""Runs one owner as a process until SIGTERM; it prints ``ready http://host:port`` once it listens."""

import argparse
import logging
import signal
import socket
import sys
from pathlib import Path

import httpx2
import uvicorn

from examples.owner.misbehaviour.connection import Droppable
from examples.owner.misbehaviour.settings import Misbehaviour
from examples.owner.service import OwnerService, application


class _OwnerServer(uvicorn.Server):
    """Prints its address once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            print(f"ready http://{host}:{port}", flush=True)


def main(owner: OwnerService) -> None:
    """Serves ``owner`` with the arguments of the command line."""
    arguments = _arguments(owner)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # uvicorn raises the signal again after its shutdown, when nothing is left to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        key = arguments.key or arguments.key_file.read_text().strip()
        listener = socket.create_server(("127.0.0.1", arguments.port))
    except OSError as error:
        sys.exit(f"{owner.source}: {error}. Give a readable --key-file and a free --port (0: any).")
    headers = {"authorization": f"Bearer {key}"}
    tether = httpx2.AsyncClient(base_url=arguments.tether, headers=headers, timeout=10.0)
    misbehaviour = Misbehaviour() if arguments.misbehave else None
    app = application(owner, arguments.database, tether, misbehaviour=misbehaviour)
    http = "auto" if misbehaviour is None else Droppable
    _OwnerServer(uvicorn.Config(app, http=http, log_level="warning", access_log=False)).run([listener])


def _arguments(owner: OwnerService) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m examples{owner.source.replace('/', '.')}")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file, created if it is missing")
    parser.add_argument(
        "--tether", default="http://127.0.0.1:8080", help="base URL to which facts are published (%(default)s)"
    )
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--key", help="credential that may publish this owner's facts")
    key.add_argument("--key-file", type=Path, help="file that holds the credential and nothing else")
    parser.add_argument(
        "--misbehave",
        action="store_true",
        help="offer PUT, GET and DELETE /misbehaviour, to test clients against failures of this service",
    )
    return parser.parse_args()
