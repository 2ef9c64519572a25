"""Runs Shopping: ``python -m examples.shopping --help``."""

import argparse
import logging
import signal
import sys
from pathlib import Path

import httpx2
import uvicorn

from examples.shopping.service import application


def main() -> None:
    """Serves Shopping with the arguments of the command line, until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m examples.shopping")
    parser.add_argument("--port", type=int, default=8096, help="(%(default)s)")
    parser.add_argument("--database", required=True, help="URL of its PostgreSQL database, which must exist")
    parser.add_argument("--tether", default="http://127.0.0.1:8080", help="base URL of Tether (%(default)s)")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--key", help="credential with the scope consume:shopping")
    key.add_argument("--key-file", type=Path, help="file that holds the credential and nothing else")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    given = arguments.key or arguments.key_file.read_text().strip()
    tether = httpx2.AsyncClient(base_url=arguments.tether, headers={"authorization": f"Bearer {given}"}, timeout=30.0)
    app = application(arguments.database, tether, _end)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


def _end(error: BaseException | None) -> None:
    """Ends a process that cannot keep its copy any more."""
    logging.getLogger(__name__).error("the copy is not kept any more: %r", error)
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
