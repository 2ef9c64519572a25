"""Authenticates a request by its API key, and authorizes it by the key's scope."""

import time
from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from catalog import limits
from errors import Forbidden, Unauthenticated
from facts.envelope import Envelope
from facts.validation import Validator
from store.db import credentials
from store.db.credentials import Principal
from store.db.pool import Pool

_CACHE_SIZE = 10_000
CACHE_SECONDS = 10.0
"""How long a key is trusted without a look into the database: a revoked key is refused after this time."""

_bearer = HTTPBearer(auto_error=False, description="An API key; `tether up` writes one of each scope to a file.")


class KeyCache:
    """Looks up API keys, and caches the good ones for a few seconds."""

    def __init__(self, pool: Pool, *, cache_seconds: float = CACHE_SECONDS) -> None:
        """``cache_seconds``: how long a good key is not looked up again."""
        self._pool = pool
        self._cache_seconds = cache_seconds
        self._known: dict[bytes, tuple[float, Principal]] = {}

    async def principal(self, key: str) -> Principal:
        """Returns a key's principal. Raises Unauthenticated for an unknown or revoked key."""
        digest = credentials.digest(key)
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await credentials.find(self._pool, key)
        if found is None:
            self._known.pop(digest, None)
            raise Unauthenticated("the API key is not known; it may have been revoked")
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[digest] = (time.monotonic() + self._cache_seconds, found)
        return found


GivenKey = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


# Each scope reads the key itself, since each further dependency costs some tens of microseconds a request.
async def principal(request: Request, given: GivenKey) -> Principal:
    """The principal of the request's API key. Raises Unauthenticated."""
    if given is None:
        raise Unauthenticated("no API key; send `Authorization: Bearer <key>`")
    keys: KeyCache = request.app.state.dependencies.keys
    return await keys.principal(given.credentials)


async def in_force(request: Request) -> Principal:
    """The principal of a request, looked up again: what takes long does it before each part.

    Raises Unauthenticated once the key is revoked, when it is not trusted any more without a look.
    """
    return await principal(request, await _bearer(request))


CONSUMER_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.~-]*$"
"""Names that need no encoding in a path."""
ConsumerName = Annotated[str, Path(min_length=1, max_length=limits.NAME, pattern=CONSUMER_NAME)]

AnyPrincipal = Annotated[Principal, Depends(principal)]


async def publisher(request: Request, given: GivenKey) -> Principal:
    """The principal, if it may publish facts of any owner. Raises Forbidden."""
    who = await principal(request, given)
    if not who.may_publish(None):
        raise Forbidden(
            f"the key {who.name!r} has the scope {who.scope!r}; publishing facts takes publish:<owner> or admin"
        )
    return who


async def reader(request: Request, given: GivenKey) -> Principal:
    """The principal, if it may read. Raises Forbidden."""
    who = await principal(request, given)
    if not who.may_read():
        raise Forbidden(
            f"the key {who.name!r} has the scope {who.scope!r}; reading takes read, consume:<name>, operate or admin"
        )
    return who


async def operator(request: Request, given: GivenKey) -> Principal:
    """The principal, if it may start operations. Raises Forbidden."""
    who = await principal(request, given)
    if not who.may_operate():
        raise Forbidden(f"the key {who.name!r} has the scope {who.scope!r}; this takes operate or admin")
    return who


async def holder(request: Request, given: GivenKey, name: ConsumerName) -> Principal:
    """The principal, if it may hold the consumer that the path names. Raises Forbidden."""
    who = await principal(request, given)
    if not who.may_consume(name):
        raise Forbidden(
            f"the key {who.name!r} has the scope {who.scope!r}; holding this consumer takes consume:{name}, operate or "
            "admin"
        )
    return who


async def administrator(request: Request, given: GivenKey) -> Principal:
    """The principal, if its scope is admin. Raises Forbidden."""
    who = await principal(request, given)
    if who.scope != "admin":
        raise Forbidden(f"the key {who.name!r} has the scope {who.scope!r}; this takes admin")
    return who


def check_fact(who: Principal, validator: Validator, envelope: Envelope) -> None:
    """Raises Forbidden unless a key may publish a fact: of its own owner, and from that owner's sources."""
    if not who.may_publish(validator.owner(envelope.type)):
        raise Forbidden(f"the key {who.name!r} ({who.scope}) may not publish {envelope.type}")
    owner = who.scope.removeprefix("publish:")
    if not validator.is_source_of(owner, envelope.source):
        raise Forbidden(
            f"the key {who.name!r} ({who.scope}) may not publish facts of the source {envelope.source}; "
            f"use /{owner}, or declare Owner({owner!r}, sources=…)"
        )


Publisher = Annotated[Principal, Depends(publisher)]
Reader = Annotated[Principal, Depends(reader)]
Administrator = Annotated[Principal, Depends(administrator)]
Operator = Annotated[Principal, Depends(operator)]
Holder = Annotated[Principal, Depends(holder)]
