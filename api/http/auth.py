"""Authenticates a request by its API key, and authorizes it by the key's scope."""

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

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


CONSUMER_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.~-]*$"
"""Names that need no encoding in a path."""
ConsumerName = Annotated[str, Path(min_length=1, max_length=limits.NAME, pattern=CONSUMER_NAME)]


async def in_force(request: Request) -> Principal:
    """The principal of a request's API key, looked up again: what takes long does it before each part.

    Raises Unauthenticated if there is none, or once it is revoked and not trusted any more without a look.
    """
    scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("no API key; send `Authorization: Bearer <key>`")
    keys: KeyCache = request.app.state.dependencies.keys
    return await keys.principal(key)


class ScopedKey(SecurityBase):
    """The dependency that gives a route the principal of the request's API key, if its scope is sufficient.

    It reads the key itself, since FastAPI takes some tens of microseconds a request for each further dependency.
    """

    model = HTTPBearerModel(description="An API key; `tether up` writes one of each scope to a file.")
    scheme_name = "HTTPBearer"

    def __init__(self, allows: Callable[[Principal], bool], needed: str = "") -> None:
        """``allows``: whether a principal may do what the route does; ``needed``: what that takes, for a refusal."""
        self._allows = allows
        self._needed = needed

    async def __call__(self, request: Request) -> Principal:
        """The principal. Raises Unauthenticated, Forbidden."""
        who = await in_force(request)
        if not self._allows(who):
            raise Forbidden(f"the key {who.name!r} has the scope {who.scope!r}; {self._needed}")
        return who


class _HolderKey(ScopedKey):
    """That of routes which only the holder of the consumer named in the path may use."""

    def __init__(self) -> None:
        super().__init__(lambda who: True)

    async def __call__(self, request: Request, name: ConsumerName) -> Principal:  # type: ignore[override]
        """The principal, if it may hold the consumer that the path names. Raises Unauthenticated, Forbidden."""
        who = await in_force(request)
        if not who.may_consume(name):
            raise Forbidden(
                f"the key {who.name!r} has the scope {who.scope!r}; holding this consumer takes consume:{name}, "
                "operate or admin"
            )
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


_PUBLISHING = "publishing facts takes publish:<owner> or admin"
_READING = "reading takes read, consume:<name>, operate or admin"

Publisher = Annotated[Principal, Depends(ScopedKey(lambda who: who.may_publish(None), _PUBLISHING))]
Reader = Annotated[Principal, Depends(ScopedKey(Principal.may_read, _READING))]
Operator = Annotated[Principal, Depends(ScopedKey(Principal.may_operate, "this takes operate or admin"))]
Administrator = Annotated[Principal, Depends(ScopedKey(lambda who: who.scope == "admin", "this takes admin"))]
Holder = Annotated[Principal, Depends(_HolderKey())]
