"""Who asks: the API key of a request, and what its scope covers."""

import time
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from errors import Forbidden, Unauthenticated
from facts.envelope import Envelope
from facts.validation import Validator
from store.db import credentials
from store.db.credentials import Principal
from store.db.pool import Pool

_REMEMBERED = 10_000
BELIEVED = 10.0
"""Seconds: a revoked key is refused after this time."""

_bearer = HTTPBearer(auto_error=False, description="An API key; `tether up` writes one of each scope to a file.")


class Keys:
    """Looks keys up, and remembers the good ones for a few seconds."""

    def __init__(self, pool: Pool, *, believed: float = BELIEVED) -> None:
        """``believed``: seconds for which a key that was found good is not looked up again."""
        self._pool = pool
        self._believed = believed
        self._known: dict[bytes, tuple[float, Principal]] = {}

    async def principal(self, key: str) -> Principal:
        """Raises Unauthenticated for a key that nobody has, Unavailable if that cannot be found out."""
        digest = credentials.digest(key)
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await credentials.find(self._pool, key)
        if found is None:
            self._known.pop(digest, None)
            raise Unauthenticated("the API key is not known; it may have been revoked")
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = (time.monotonic() + self._believed, found)
        return found


async def principal(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Principal:
    """Whose request this is."""
    if given is None:
        raise Unauthenticated("no API key; send `Authorization: Bearer <key>`")
    keys: Keys = request.app.state.services.keys
    return await keys.principal(given.credentials)


Anyone = Annotated[Principal, Depends(principal)]


async def publisher(who: Anyone) -> Principal:
    """Someone who may tell facts; of which owner is another question, for each fact."""
    if not who.may_publish(None):
        raise Forbidden(
            f"the key {who.name!r} has the scope {who.scope!r}; telling facts takes publish:<owner> or admin"
        )
    return who


async def reader(who: Anyone) -> Principal:
    """Someone who may read."""
    if not who.may_read():
        raise Forbidden(f"the key {who.name!r} has the scope {who.scope!r}; reading takes read, operate or admin")
    return who


async def operator(who: Anyone) -> Principal:
    """Someone who may start work."""
    if not who.may_operate():
        raise Forbidden(f"the key {who.name!r} has the scope {who.scope!r}; this takes operate or admin")
    return who


def check_fact(who: Principal, validator: Validator, envelope: Envelope, index: int | None) -> None:
    """Raises Forbidden unless a key may publish a fact: of its own owner, and from that owner's sources.

    ``index`` is the event's position in its request, for the message; None: it was sent alone.
    """
    place = "" if index is None else f"event {index}: "
    if not who.may_publish(validator.owner(envelope.type)):
        raise Forbidden(f"{place}the key {who.name!r} ({who.scope}) may not tell {envelope.type}")
    owner = who.scope.removeprefix("publish:")
    if not validator.is_source_of(owner, envelope.source):
        raise Forbidden(
            f"{place}the key {who.name!r} ({who.scope}) may not tell facts of the source {envelope.source}; "
            f"use /{owner}, or declare Owner({owner!r}, sources=…)"
        )


Publisher = Annotated[Principal, Depends(publisher)]
Reader = Annotated[Principal, Depends(reader)]
Operator = Annotated[Principal, Depends(operator)]
