"""`tether verify`: compares the tables with the ledger."""

from typing import Annotated

import typer

from cli.environment import read_settings, stack
from errors import Refused


def verify(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also fold the whole ledger with the model, and compare hashes.")
    ] = False,
) -> None:
    """Verify that the tables are consistent with the ledger.

    Reads the database of TETHER_DATABASE_URL, or that of the running embedded stack.
    """
    from rich.console import Console

    settings = read_settings()
    address = settings.database_url or stack(settings).get("database", "")
    if not address:
        raise Refused(
            f"No database to verify: TETHER_DATABASE_URL is not set and no embedded stack runs in "
            f"{settings.data_dir}. Set it, or start `tether up`."
        )
    from store.audit.verify import run

    raise typer.Exit(run(settings.model_copy(update={"database_url": address}), rebuild, Console()))
