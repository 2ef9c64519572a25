"""`tether export`: writes the ledger of a tenant as facts, for `tether import` into another Tether."""

import gzip
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.environment import read_database
from cli.output import note
from errors import Refused

OWN_TENANT = "main"


def export(
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Only this kind, its activity, and what is linked with it; several are possible."),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose facts.")] = OWN_TENANT,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TOKEN", show_default="the newest", help="Export as of this revision.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", show_default="standard output", help="Gzipped if it ends in .gz."
        ),
    ] = None,
) -> None:
    """Export facts as NDJSON of CloudEvents, in the order of their arrival, as of one revision.

    `tether import` takes all of it into an empty Tether: merges, links, pairs kept apart, and voids, too.

    Reads the database of TETHER_DATABASE_URL, or that of the running embedded stack.
    """
    from facts import tokens
    from store.audit import exported

    settings = read_database("to export")
    revision = tokens.revision(tenant, as_of) if as_of else None
    if file is None:
        done = exported.run(settings, tenant, kind or [], revision, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        # Under another name until it is whole: an interrupted export is none.
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            with gzip.open(draft, "wb", 3) if file.suffix == ".gz" else draft.open("wb") as to:
                done = exported.run(settings, tenant, kind or [], revision, to)
            draft.replace(file)
        except OSError as problem:
            raise Refused(f"-o {file}: cannot be written ({problem.strerror}). Choose another.") from None
        finally:
            draft.unlink(missing_ok=True)
    note(f"{done.facts:,} facts of tenant {tenant}, as of {tokens.token(tenant, done.revision)}")
