"""What requests that start something have in common: a key that makes them safe to repeat, and a body of JSON."""

from typing import Annotated, TypeVar

from fastapi import Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.http.problems import TooLarge

BODY = 64 * 1024
"""Bytes that a body may have where nothing else is said."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00]+$",
        description="The same key again answers with the operation that it started.",
    ),
]

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, limit: int, mend: str = "") -> bytes:
    """Reads a body of up to ``limit`` bytes. Raises TooLarge, before it has all arrived; ``mend`` ends the message."""
    parts: list[bytes] = []
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    if size <= limit:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise TooLarge(f"the body is larger than {limit} bytes{mend}")
    return b"".join(parts)


async def read(request: Request, model: type[Body], *, limit: int = BODY, empty: Body | None = None) -> Body:
    """The body, which is read no further than ``limit`` bytes. ``empty``: what no body at all stands for.

    Raises RequestValidationError, TooLarge.
    """
    raw = await read_body(request, limit)
    if not raw and empty is not None:
        return empty
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


def described(model: type[BaseModel], *, required: bool = True) -> dict[str, object]:
    """The body in the OpenAPI document: whoever reads it by hand has to say so."""
    # References within it have to be spelled out: the document keeps its models elsewhere.
    schema = _inlined(model.model_json_schema())
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: dict[str, object]) -> object:
    definitions = schema.pop("$defs", {})
    assert isinstance(definitions, dict)

    def spelled(part: object) -> object:
        if isinstance(part, list):
            return [spelled(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            rest = {name: value for name, value in part.items() if name != "$ref"}
            return spelled({**definitions[part["$ref"].rpartition("/")[2]], **rest})
        return {name: spelled(value) for name, value in part.items()}

    return spelled(schema)
