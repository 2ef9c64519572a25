"""Stored proofs of merges stay true when data that they cover is erased."""

import pytest

from store.db.pool import Pool
from store.migrate import migrate
from tests.store.audit.test_merges import merge
from tests.store.erasure.conftest import Eraser
from tests.support import canaries
from tests.support.club import CLUB, fact
from tests.support.tenants import StoreTenant


@pytest.mark.parametrize(("kind", "key"), [("member", "a"), ("member", "b"), ("locker", "l")])
async def test_proofs_hold_after_what_they_cover_is_erased(pool: Pool, kind: str, key: str) -> None:
    await migrate(pool, CLUB)
    club = StoreTenant(pool, CLUB)
    word = f"canary {key}"
    await club.record(fact("MemberJoined", "a", word=word), fact("MemberJoined", "b", club="x", word=word))
    await club.record(fact("LockerRented", "l", member="b", word=word))
    await merge(club, "a", "b")
    before = [line for line in await club.lines() if line.startswith((b"link", b"alias"))]
    await Eraser(pool, club).erase(kind, key)
    report = await club.audit()
    assert report.violated == []
    assert report.tables == report.ledger
    assert [line for line in await club.lines() if line.startswith((b"link", b"alias"))] == before
    assert len(await canaries.find(pool, word)) == 2  # the fields of the other two stay
