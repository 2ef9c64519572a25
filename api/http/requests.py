"""Reads JSON bodies up to a size, and the Idempotency-Key header."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeVar

from fastapi import Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.http.problems import TooLarge
from facts.json_text import parse_json

MAX_BODY = 64 * 1024
"""Maximum size of a JSON body in bytes, unless an endpoint sets another."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00]+$",
        description="A repeated request with the same key returns the operation that the first one started.",
    ),
]

Body = TypeVar("Body", bound=BaseModel)


async def read_body(
    request: Request, limit: int, mend: str = "", *, decoded: AsyncIterator[bytes] | None = None
) -> bytes:
    """Reads a body of up to ``limit`` bytes. Raises TooLarge, before it has all arrived; ``mend`` ends the message.

    ``decoded``: the body in pieces, if its content coding has been removed.
    """
    parts: list[bytes] = []
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    if size <= limit:
        size = 0
        async for part in decoded or request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise TooLarge(f"the body is larger than {limit} bytes{mend}")
    return b"".join(parts)


async def read(request: Request, model: type[Body], *, limit: int = MAX_BODY, empty: Body | None = None) -> Body:
    """Reads a JSON body of up to ``limit`` bytes into a model; ``empty`` is the result for no body, if that is allowed.

    Raises RequestValidationError, also for what JSON libraries read in different ways (a name twice), and TooLarge.
    """
    raw = await read_body(request, limit)
    if not raw and empty is not None:
        return empty
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        found = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found) from None
    _, flaw = parse_json(raw, "body")
    if flaw:
        raise RequestValidationError([{"type": "value_error", "loc": ("body",), "msg": flaw, "input": None}])
    return body


def described(model: type[BaseModel], *, required: bool = True) -> dict[str, object]:
    """OpenAPI's description of a body that an endpoint reads by itself, which FastAPI therefore does not know."""
    # References are inlined, because FastAPI moves only the models that it knows to the document's components.
    schema = _inlined(model.model_json_schema())
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: dict[str, object]) -> object:
    definitions = schema.pop("$defs", {})
    assert isinstance(definitions, dict)

    def inlined(part: object) -> object:
        if isinstance(part, list):
            return [inlined(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            rest = {name: value for name, value in part.items() if name != "$ref"}
            return inlined({**definitions[part["$ref"].rpartition("/")[2]], **rest})
        return {name: inlined(value) for name, value in part.items()}

    return inlined(schema)
