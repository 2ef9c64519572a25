"""The documents that this process publishes of its contracts, and answers that clients may keep."""

from functools import cached_property
from hashlib import blake2b

import orjson
from fastapi import Request, Response

from catalog.catalog import Catalog
from catalog.evolution.document import ContractDocument, DeclaredFact, as_json, document
from catalog.published.asyncapi import asyncapi
from catalog.schemas.contract_schema import Schema
from errors import Unknown
from facts.data_schema import schema_path
from facts.misspellings import nearest

REVALIDATE = "private, no-cache"
"""Clients may keep an answer, and find out each time whether it is still right."""


class PublishedContracts:
    """The contracts in force, as JSON; made at the first request. One instance per process."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def document(self) -> ContractDocument:
        """Everything that is declared."""
        return document(self._catalog)

    @cached_property
    def _by_type(self) -> dict[str, DeclaredFact]:
        return {one.type: one for one in self.document.items}

    def whole(self, base: str) -> bytes:
        """The document as JSON; ``base``: the URL of this API, without a slash at the end."""
        found = as_json(self.document)
        for one in found["items"]:
            one["schema"] = _identified(base, one["type"], one["schema"])
        return orjson.dumps(found)

    def schema(self, base: str, type: str) -> bytes:
        """The JSON Schema of the data of a fact. Raises Unknown for a type that is not declared."""
        found = self._by_type.get(type)
        if found is None:
            near = nearest(type, self._by_type)
            raise Unknown(f"no contract declares {type}" + ("" if near is None else f"; is {near} meant?"))
        return orjson.dumps(_identified(base, type, found.schema_))

    def asyncapi(self, base: str, owner: str) -> bytes:
        """The AsyncAPI document of an owner. Raises Unknown for one that is not declared."""
        owners = self._catalog.contracts.owners
        if owner not in owners:
            raise Unknown(f"no owner {owner!r}; declared are: {', '.join(sorted(owners)) or 'none'}")
        return orjson.dumps(asyncapi(self.document, owner, base))


def _identified(base: str, type: str, schema: Schema) -> Schema:
    return {"$id": f"{base}{schema_path(type)}", **schema}


def base_url(request: Request) -> str:
    """The URL under which the client reaches this API, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def revalidated(request: Request, body: bytes, media_type: str = "application/json") -> Response:
    """The answer with this body, or 304 without one if the client has it (``If-None-Match``)."""
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": REVALIDATE}
    held = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if held & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
