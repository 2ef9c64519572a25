"""A stub of the ``tether`` command with the same five subcommands.

STUB_DEAD names a subcommand that ends immediately with exit code 3; STUB_ONCE_READY (``return`` or ``raise``) sets what
`up` does once all parts are ready.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each start of a stack runs five of these, which import only what they need
    from devstack.stack import Urls


def main(verb: str) -> int:
    if verb == os.environ.get("STUB_DEAD"):
        print(f"{verb}: cannot go on")  # noqa: T201 - its log is what is tested
        return 3
    if verb == "up":
        return asyncio.run(up())
    if verb == "migrate":
        asyncio.run(migrate())
    elif verb == "serve":
        serve()
    else:
        print("ready", flush=True)  # noqa: T201 - the readiness line of a part without a port
        signal.pause()
    return 0


async def up() -> int:
    from rich.console import Console

    from config import Settings
    from devstack.up import up

    what = {"return": look, "raise": fail}.get(os.environ.get("STUB_ONCE_READY", ""))
    program = (sys.executable, "-m", "tests.devstack.stub")
    return await up(Settings(), console=Console(), once_ready=what, program=program)


async def look(urls: "Urls") -> None:
    import asyncpg

    connection = await asyncpg.connect(urls.database)
    print("rows:", await connection.fetchval("select count(*) from starts"))  # noqa: T201
    await connection.close()


async def fail(urls: "Urls") -> None:
    raise RuntimeError(f"a step against {urls.api} failed")


async def migrate() -> None:
    """Adds one row per start."""
    import asyncpg

    connection = await asyncpg.connect(os.environ["TETHER_DATABASE_URL"])
    await connection.execute("create table if not exists starts (at timestamptz)")
    await connection.execute("insert into starts values (now())")
    await connection.close()
    Path(os.environ["TETHER_DATA_DIR"], "credentials.json").write_text("{}")


def serve() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen = {name: value for name, value in os.environ.items() if name.startswith(("TETHER_", "TEMPORAL_"))}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(seen).encode())

    Path(os.environ["TETHER_DATA_DIR"], "served").touch()
    HTTPServer((os.environ["TETHER_HOST"], int(os.environ["TETHER_PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
