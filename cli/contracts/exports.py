"""`tether contracts export`: writes what is declared here as one document."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.environment import read_settings
from cli.output import show_document
from errors import Refused


class ExportFormat(StrEnum):
    """Formats of documents about contracts."""

    json = "json"
    xregistry = "xregistry"
    asyncapi = "asyncapi"
    markdown = "markdown"
    html = "html"


def export(
    format: Annotated[ExportFormat, typer.Option(help="`json` is what `check` and `diff` compare with.")],
    owner: Annotated[str, typer.Option(metavar="OWNER", help="Whose document; AsyncAPI has one for each owner.")] = "",
    file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", show_default="standard output", help="Where to.")
    ] = None,
    url: Annotated[str, typer.Option(help="Address of Tether's API, for AsyncAPI.")] = "http://127.0.0.1:8080",
) -> None:
    """Export the contracts that are declared here: Tether's own directories and those of TETHER_CATALOG."""
    import orjson

    made = _made(format, owner, url)
    if file is None:
        typer.echo(made, nl=False) if isinstance(made, str) else show_document(made)
        return
    content = made.encode() if isinstance(made, str) else orjson.dumps(made, option=orjson.OPT_INDENT_2)
    try:
        file.write_bytes(content)
    except OSError as problem:
        raise Refused(f"-o {file}: cannot be written ({problem.strerror}). Choose another.") from None


def _made(format: ExportFormat, owner: str, url: str) -> str | dict[str, Any]:
    """The document as text or JSON values. Raises Refused for an owner that is not declared, or is missing."""
    from catalog import catalog
    from catalog.evolution.document import as_json, document
    from catalog.published import asyncapi, pages, xregistry

    declared = catalog.load(read_settings().catalog)
    whole = document(declared)
    if format is ExportFormat.asyncapi or owner:
        if owner not in declared.contracts.owners:
            known = ", ".join(sorted(declared.contracts.owners))
            raise Refused(f"--owner {owner or 'is missing'}: name one of {known}.")
        whole = whole.of_owner(owner)
    match format:
        case ExportFormat.xregistry:
            return xregistry.xregistry(whole)
        case ExportFormat.asyncapi:
            return asyncapi.asyncapi(whole, owner, url)
        case ExportFormat.markdown:
            return pages.markdown(whole)
        case ExportFormat.html:
            return pages.html(whole)
        case _:
            return as_json(whole)
