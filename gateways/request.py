"""Builds the HTTP request of a command."""

from string import Formatter
from urllib.parse import quote

import httpx2 as httpx

from catalog.owner_request import OwnerRequest
from catalog.vocabulary import Command
from errors import Refused


def build(
    client: httpx.AsyncClient,
    base: str,
    request: OwnerRequest,
) -> httpx.Request:
    """Builds the HTTP request: fields that the path names go into the path, the others into the JSON body, or into the
    query of a DELETE. ``base``: the owner's URL without a slash at its end. Raises Refused if it cannot be built."""
    command = request.command
    fields = command.model_dump(mode="json")
    path = _path(command, fields)
    named = _named(command)
    others = {name: value for name, value in fields.items() if name not in named}
    query = {name: value for name, value in others.items() if value is not None}
    deletes = command.method == "DELETE"
    try:
        headers = {
            "Idempotency-Key": request.idempotency_key,
            "Correlation-Id": request.correlation,
            "Accept-Encoding": "identity",
        }
        if request.causation is not None:
            headers["Causation-Id"] = quote(request.causation, safe="/:-._~")
        return client.build_request(
            command.method,
            base + path,
            params=(query or None) if deletes else None,
            json=None if deletes else others,
            headers=headers,
        )
    except (ValueError, httpx.InvalidURL) as error:
        raise Refused(f"{type(command).__name__} cannot be written as a request: {error}") from None


def _named(command: Command) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(command.path) if name}


def _path(command: Command, fields: dict[str, object]) -> str:
    quoted = {name: _quoted(command, name, fields[name]) for name in _named(command)}
    return command.path.format(**quoted)


def _quoted(command: Command, name: str, value: object) -> str:
    """Percent-encodes one field of the path. ``.`` and ``..`` are steps in a path even when encoded, and an empty field
    would name another path. Raises Refused for these."""
    text = str(value) if type(value) in (str, int) else ""
    if text in ("", ".", ".."):
        raise Refused(
            f"{type(command).__name__}: {name} is {value!r}, which cannot be a part of the path {command.path}; "
            "give it a text other than '.' and '..', or a whole number"
        )
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise Refused(f"{type(command).__name__}: {name} is {value!r}, which is no Unicode text") from None
