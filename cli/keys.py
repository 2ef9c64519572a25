"""`tether keys …`: manages API keys directly in the database, because making the first one needs no API key."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.environment import read_database, read_settings
from cli.options import Format, Output
from cli.output import show_one, show_table
from errors import Refused

if TYPE_CHECKING:
    from store.db.pool import Pool

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys, directly in the database.")

Result = TypeVar("Result")
Tenant = Annotated[str, typer.Option(help="Tenant of the key.", show_default="TETHER_TENANT, else main")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who uses the key.")],
    scope: Annotated[str, typer.Option(help="publish:OWNER, consume:CONSUMER, read, operate or admin.")],
    tenant: Tenant = "",
    output: Output = Format.text,
) -> None:
    """Create a key. It is shown only once, because only its hash is stored."""
    from store.db import credentials

    whose = tenant or read_settings().tenant
    key = _in_database(lambda pool: credentials.add(pool, whose, name, scope))
    answer = {"name": name, "scope": scope, "tenant": whose, "key": key}
    show_one(answer, output, {"name": "name", "scope": "scope", "tenant": "tenant", "key": "key"})


@app.command("list")
def list_(output: Output = Format.text) -> None:
    """List all keys that were ever created, without the secrets."""
    from store.db import credentials

    items = _in_database(credentials.every)
    if output is not Format.text:
        show_one({"items": items}, output, {})
    else:
        show_table({"NAME": "name", "SCOPE": "scope", "TENANT": "tenant", "MADE": "made", "REVOKED": "revoked"}, items)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name it was created with.")],
    tenant: Tenant = "",
) -> None:
    """Revoke the keys of this name. All servers refuse them within ten seconds."""
    from store.db import credentials

    whose = tenant or read_settings().tenant
    count = _in_database(lambda pool: credentials.revoke(pool, whose, name))
    if not count:
        raise Refused(f"No key {name!r} of tenant {whose!r} is in force. See `tether keys list`.")
    typer.echo(f"Revoked: {count}.")


def _in_database(work: "Callable[[Pool], Awaitable[Result]]") -> Result:
    """Runs ``work`` on the database of TETHER_DATABASE_URL, or else on that of the running embedded stack."""
    from store.db.pool import create_pool

    settings = read_database("of keys")

    async def connected() -> Result:
        pool = await create_pool(settings.database_url, 2, name="tether keys")
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(connected())
