"""`GET /v1/contracts…` and `GET /asyncapi.json`: what owners declare, and the JSON Schemas of their facts."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.http.auth import Reader
from api.http.dependencies import Injected
from api.http.published import base_url, revalidated
from api.http.queries import FilterText
from catalog.evolution.document import ContractDocument

router = APIRouter(tags=["contracts"])
asyncapi_router = APIRouter(tags=["contracts"])
"""Beside `/openapi.json`, without a version of the API in its path."""

SCHEMA = "application/schema+json"
ASYNCAPI = "application/vnd.aai.asyncapi+json;version=3.0.0"
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it (`If-None-Match`)."}}


@router.get("/contracts", response_model=ContractDocument, responses=_UNCHANGED, summary="List contracts")
async def list_contracts(request: Request, who: Reader, deps: Injected) -> Response:
    """All facts with their JSON Schemas, and the commands, relationships, replicas and upcasters that go with them.

    `tether contracts check --against URL` compares with it. It changes only when Tether is started with other
    declarations.
    """
    return revalidated(request, deps.published.whole(base_url(request)))


@router.get(
    "/contracts/{type}",
    response_class=Response,
    responses={200: {"content": {SCHEMA: {"schema": {"type": "object"}}}}, **_UNCHANGED},
    summary="Get the JSON Schema of a fact",
)
async def schema(
    request: Request,
    type: Annotated[FilterText, Path(examples=["UserCreated.v1"])],
    who: Reader,
    deps: Injected,
) -> Response:
    """The schema (draft 2020-12) of the `data` of facts of this type. Its URL is what an event may give as
    `dataschema`."""
    return revalidated(request, deps.published.schema(base_url(request), type), SCHEMA)


@asyncapi_router.get(
    "/asyncapi.json",
    response_class=Response,
    responses={200: {"content": {ASYNCAPI: {"schema": {"type": "object"}}}}, **_UNCHANGED},
    summary="Get the AsyncAPI document of an owner",
)
async def asyncapi(
    request: Request,
    who: Reader,
    deps: Injected,
    owner: Annotated[FilterText, Query(description="Name of the owner.", examples=["users"])],
) -> Response:
    """AsyncAPI 3, from the view of the owner: it sends its facts to Tether, and receives commands."""
    return revalidated(request, deps.published.asyncapi(base_url(request), owner), ASYNCAPI)
