"""Compares the rows of merges with the facts that say them, and stored proofs with what is counted now."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from facts.merge_ids import merge_id
from model.facts import FactId, ModelFact
from model.merges import named_merge
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT
from store.db.pool import Connection
from store.db.snapshot import begin
from store.db.sql import bind, fetch_rows
from store.write.merge_proof import counted_relationships, prove


class _MergeRow(NamedTuple):
    """A row of ``verify_merge_rows``."""

    id: str
    kind: str
    survivor: str
    losers: list[str]
    reason: str
    source: str
    fact: str


class _ProofRow(NamedTuple):
    """A row of ``verify_proofs``."""

    id: str
    kind: str
    survivor: str
    losers: list[str]
    revision: int
    proof: dict[str, Any]
    erased: bool


async def row_differences(
    conn: Connection, catalog: Catalog, tenant: str, facts: Sequence[ModelFact]
) -> AsyncIterator[str]:
    """Describes each merge whose row says something else than its facts. Needs a transaction.

    ``facts``: all about identity, among others. Merges without a row are found by a check of their own.
    """
    said: dict[str, list[ModelFact]] = {}
    for fact in sorted(facts, key=lambda fact: fact.arrival):
        if named_merge(catalog, fact) is not None:
            said.setdefault(merge_id(fact.source, fact.id, fact.data), []).append(fact)
    async for record in conn.cursor(*bind("verify_merge_rows", tenant=tenant), prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _MergeRow(*record)
        for difference in _row_differences(catalog, row, said.get(row.id, ())):
            yield f"merge {row.id}: {difference}"


def _row_differences(catalog: Catalog, row: _MergeRow, facts: Sequence[ModelFact]) -> Iterator[str]:
    if not facts:
        yield "no fact says it"
        return
    first = facts[0]
    named = [merge for fact in facts if (merge := named_merge(catalog, fact)) is not None]
    losers = sorted({loser for _, of_one in named for loser in of_one}, key=str.encode)
    reason = first.data.get("reason")
    expected = {
        "fact": FactId(first.source, first.id),
        "kind": first.kind,
        "survivor": named[0][0],
        "losers": losers,
        "reason": reason if isinstance(reason, str) else "",
    }
    found = {
        "fact": FactId(row.source, row.fact),
        "kind": row.kind,
        "survivor": row.survivor,
        "losers": row.losers,
        "reason": row.reason,
    }
    for name, value in expected.items():
        if found[name] != value:
            yield f"its {name} is {_shown(found[name])}, by its facts {_shown(value)}"


async def proof_differences(conn: Connection, catalog: Catalog, tenant: str) -> AsyncIterator[str]:
    """Counts again what each merge conserved whose proof was stored, and describes each difference.

    Needs a transaction that reads one snapshot. Both sides are read as of their revisions. Where other relationships
    are declared now, activity alone is compared. Proofs of earlier versions, which name none, and those of
    revisions before the horizon are left out, and so is the data of links where the data of an entity was erased since.
    """
    at = await begin(conn, tenant)
    for row in await fetch_rows(conn, _ProofRow, "verify_proofs", tenant=tenant):
        proof = row.proof
        if (
            "relationships" not in proof
            or row.kind not in catalog.contracts.merging
            or proof["revisions"][0] < at.horizon
        ):
            continue
        counted = await prove(at, catalog, row.kind, [row.survivor, *row.losers], row.revision)
        found = orjson.loads(orjson.dumps(counted.to_json()))
        if row.erased:
            for key in (*proof["keys"], *found["keys"]):
                key["before"].pop("link_data", None), key["after"].pop("link_data", None)
        links = [*counted_relationships(catalog, row.kind)] == proof["relationships"]
        for difference in _proof_differences(proof, found, links=links):
            yield f"merge {row.id}: {difference}"


def _proof_differences(stored: Mapping[str, Any], counted: Mapping[str, Any], *, links: bool) -> Iterator[str]:
    """``links``: whether links are compared too."""
    for name in ("revisions", "lost", "own_links") if links else ("revisions",):
        if stored[name] != counted[name]:
            yield f"its proof has the {name.replace('_', ' ')} {_shown(stored[name])}, counted {_shown(counted[name])}"
    proven, now = ({key["key"]: key for key in proof["keys"]} for proof in (stored, counted))
    for key in sorted(proven.keys() | now.keys(), key=str.encode):
        for side in ("before", "after"):
            one, other = proven.get(key, {}).get(side, {}), now.get(key, {}).get(side, {})
            for part in sorted(one.keys() | other.keys()) if links else ("activity",):
                if one.get(part) != other.get(part):
                    was, is_now = _shown(one.get(part)), _shown(other.get(part))
                    yield f"its proof has {was} as {part.replace('_', ' ')} of {key!r} {side} it, counted {is_now}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
