"""`tether verify`: compare the tables with what the ledger says."""

from typing import Annotated

import typer

from cli.environment import read_settings, stack
from errors import Refused


def verify(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Fold the whole ledger again and compare, hash for hash.")
    ] = False,
) -> None:
    """Check that the tables hold exactly what the recorded facts say.

    Reads the database at TETHER_DATABASE_URL, or the running embedded one.
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
