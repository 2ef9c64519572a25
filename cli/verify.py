"""`tether verify`: compares the tables with the ledger."""

from typing import Annotated

import typer

from cli.environment import read_database


def verify(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also fold the whole ledger with the model, and compare hashes.")
    ] = False,
) -> None:
    """Verify that the tables are consistent with the ledger.

    Reads the database of TETHER_DATABASE_URL, or that of the running embedded stack.
    """
    from rich.console import Console

    settings = read_database("to verify")
    from store.audit.verify import run

    raise typer.Exit(run(settings, rebuild, Console()))
