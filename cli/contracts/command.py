"""`tether contracts list|show|diff|check`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.evolution.modes import Mode
from cli.client import client, path
from cli.environment import read_settings
from cli.options import ApiKey, Format, Output, Url
from cli.output import note, printable, show_document, show_line, show_pages, show_table
from errors import Refused, TetherError

if TYPE_CHECKING:
    from catalog.evolution.changes import ContractChange
    from catalog.evolution.lint import LintWarning

app = typer.Typer(no_args_is_help=True, help="Show contracts, and compare them with earlier ones.")

COLUMNS = {"TYPE": "type", "KIND": "kind", "OWNER": "owner", "EFFECT": "effect"}
FIELDS = {"FIELD": "field", "ACCEPTS": "accepts", "REQUIRED": "required"}
NOT_COMPARED = 2
"""Exit code of a check that could not compare. 1: incompatible."""

Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="REVISION|FILE|URL",
        show_default="HEAD",
        help="What to compare with: a git revision, an exported document, or a running Tether. Several with "
        "…_TRANSITIVE.",
    ),
]


@app.command("list")
def list_(output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List the contracts of a running Tether."""
    with client(url, key) as tether:
        pages = iter([tether.request("GET", path("contracts"), expects="items")])
        show_pages(pages, output, COLUMNS, "No contract is declared.")


@app.command()
def show(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Type of the fact, such as `UserCreated.v1`.")],
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show the fields of a fact; with `-o json`, its JSON Schema."""
    with client(url, key) as tether:
        schema = tether.request("GET", path("contracts", type_), expects="title")
    if output is not Format.text:
        show_document(schema) if output is Format.json else show_line(schema)
        return
    from catalog.schemas.descriptions import describe

    typer.echo(printable(f"{type_}: {schema.get('description', schema['title'])}"))
    rows = [
        {"field": name, "accepts": describe(field, schema), "required": name in schema.get("required", ())}
        for name, field in schema.get("properties", {}).items()
    ]
    show_table(FIELDS, rows) if rows else typer.echo("It has no fields of its own.")


@app.command()
def diff(against: Against = None, key: ApiKey = "", output: Output = Format.text) -> None:
    """Show what differs between the declarations here and earlier ones."""
    changes, names, _ = _compared(against, key, transitive=False)
    if output is Format.text:
        _show_text(changes, names)
    elif output is Format.json:
        from cli.contracts.report import change_as_json

        show_document({"against": names, "changes": [change_as_json(one) for one in changes]})
    else:
        _show_lines(changes)


@app.command()
def check(
    against: Against = None,
    mode: Annotated[
        Mode, typer.Option(case_sensitive=False, help="What must not break: the words of the schema registries.")
    ] = Mode.BACKWARD,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
    key: ApiKey = "",
    output: Output = Format.text,
) -> None:
    """Check that the declarations here are compatible with earlier ones: exit code 1 if not, 2 if they cannot be compared.

    BACKWARD: what others still send and hold is accepted here. FORWARD: what is declared here is accepted where the earlier declarations are in force. FULL: both. …_TRANSITIVE: also with every state since then.
    """  # noqa: E501 (a paragraph of help is one line)
    try:
        changes, names, warnings = _compared(against, key, transitive=mode.transitive)
    except TetherError as problem:
        note(f"Error: {' '.join(str(problem).split())}")
        raise typer.Exit(NOT_COMPARED) from None
    from catalog.evolution.changes import incompatible
    from catalog.evolution.lint import unversioned
    from cli.contracts.report import change_as_json, show_warnings, warning_as_json

    broken = incompatible(changes, mode)
    warnings = [*warnings, *unversioned(broken)]
    if output is Format.json:
        found: dict[str, Any] = {"mode": mode, "against": names, "compatible": not broken}
        found["changes"] = [{**change_as_json(one), "incompatible": one in broken} for one in changes]
        show_document({**found, "warnings": [warning_as_json(one) for one in warnings]})
    elif output is Format.jsonl:
        _show_lines(changes)
    else:
        _show_text(changes, names)
        if warnings:
            typer.echo("\nWarnings:")
            show_warnings(warnings)
        verdict = (
            f"Incompatible ({mode}): {len(broken)} of {len(changes)} changes" if broken else f"Compatible ({mode})"
        )
        typer.echo(f"\n{verdict}.")
    if broken or (strict and warnings):
        raise typer.Exit(1)


def _show_text(changes: "list[ContractChange]", names: list[str]) -> None:
    from cli.contracts.report import show_changes

    show_changes(changes)
    if not changes:
        typer.echo(f"No contract differs from {', '.join(names)}.")


def _show_lines(changes: "list[ContractChange]") -> None:
    from cli.contracts.report import change_as_json

    for one in changes:
        show_line(change_as_json(one))


def _compared(
    against: list[str] | None, key: str, *, transitive: bool
) -> "tuple[list[ContractChange], list[str], list[LintWarning]]":
    """What differs from each earlier state, each difference once; the names of these states; and the lint.

    Raises TetherError.
    """
    from catalog import catalog
    from catalog.evolution.changes import compare
    from catalog.evolution.document import document
    from catalog.evolution.lint import lint
    from cli.contracts.earlier import earlier

    named = against or ["HEAD"]
    if len(named) > 1 and not transitive:
        raise Refused("Several --against are compared with by a …_TRANSITIVE --mode alone. Give one, or another mode.")
    directories = read_settings().catalog
    here = document(catalog.load(directories))
    states = [one for name in named for one in earlier(name, directories, key, every=transitive)]
    changes: list[ContractChange] = []
    for state in states:
        changes += [one for one in compare(state.document, here, state.consumers) if one not in changes]
    changes.sort(key=lambda change: change.about)
    return changes, [state.name for state in states], lint(here)
