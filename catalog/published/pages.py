"""Writes contracts as a page for people: Markdown, or HTML that needs no other file."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import NamedTuple

from catalog.evolution.document import ContractDocument, DeclaredFact
from catalog.schemas.contract_schema import Schema
from catalog.schemas.descriptions import describe

TITLE = "Contracts"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #8888;padding:.2rem .6rem;text-align:left}"
    "code{font-family:ui-monospace,monospace}"
)


class PageField(NamedTuple):
    """A row of the table of fields."""

    name: str
    accepts: str
    required: str
    description: str


def markdown(document: ContractDocument) -> str:
    """The page in Markdown: a chapter for each owner, a table of fields for each fact and command."""
    lines = [f"# {TITLE}"]
    for owner, facts in _by_owner(document):
        lines += ["", f"## {owner}"]
        for fact in facts:
            lines += ["", f"### `{fact.type}`", "", fact.description, "", _meaning(fact)]
            lines += _markdown_table(fact.schema_)
        for command in (one for one in document.commands if one.owner == owner):
            lines += ["", f"### `{command.name}`", "", command.description, "", f"`{command.method} {command.path}`"]
            lines += _markdown_table(command.schema_)
    return "\n".join(lines) + "\n"


def _markdown_table(schema: Schema) -> list[str]:
    rows = [[f"`{one.name}`", one.accepts, one.required, one.description] for one in _fields(schema)]
    if not rows:
        return []
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    head = ["", "| field | accepts | required | |", "|---|---|---|---|"]
    return [*head, *(f"| {' | '.join(row)} |" for row in cells)]


def html(document: ContractDocument) -> str:
    """The same page in HTML."""
    parts = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{TITLE}</title><style>{_STYLE}</style>']
    parts.append(f"<h1>{TITLE}</h1>")
    for owner, facts in _by_owner(document):
        parts.append(f"<h2>{escape(owner)}</h2>")
        for fact in facts:
            parts.append(f'<h3 id="{escape(fact.type)}"><code>{escape(fact.type)}</code></h3>')
            parts.append(f"<p>{escape(fact.description)}</p><p>{escape(_meaning(fact))}</p>")
            parts.append(_html_table(fact.schema_))
        for command in (one for one in document.commands if one.owner == owner):
            parts.append(f"<h3><code>{escape(command.name)}</code></h3><p>{escape(command.description)}</p>")
            parts.append(f"<p><code>{command.method} {escape(command.path)}</code></p>{_html_table(command.schema_)}")
    return "\n".join(part for part in parts if part) + "\n"


def _html_table(schema: Schema) -> str:
    rows = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _fields(schema)]
    head = "<tr><th>field</th><th>accepts</th><th>required</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>" if rows else ""


def _by_owner(document: ContractDocument) -> Iterator[tuple[str, list[DeclaredFact]]]:
    facts = sorted(document.items, key=lambda one: (one.owner, one.kind, one.type))
    for owner, found in groupby(facts, key=lambda one: one.owner):
        yield owner, list(found)


def _meaning(fact: DeclaredFact) -> str:
    if fact.about:
        return f"Activity of the kind {fact.about.partition('.')[0]}, in the feed {fact.kind}."
    what = fact.effect or fact.element or f"identity: {fact.identity}"
    return f"About the kind {fact.kind} ({what})."


def _fields(schema: Schema) -> list[PageField]:
    needed = schema.get("required", ())
    return [
        PageField(name, describe(one, schema), "yes" if name in needed else "no", one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]
