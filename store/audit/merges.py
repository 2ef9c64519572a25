"""Compares the tables of merges with what the model has folded: pairs, forbidden pairs, and aliases."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from facts.order_key import position
from model.facts import FactId
from model.merges import ModelMerges, ModelPair, PairFact
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT, AuditedAlias
from store.db.pool import Connection
from store.db.sql import bind


@dataclass(frozen=True, slots=True)
class _PairRow:
    """A row of ``verify_merge_pairs`` or ``verify_forbidden_pairs``."""

    kind: str
    one: str
    other: str
    holds: bool
    order_key: bytes
    source: str
    id: str
    set_aside: list[str] | None


async def pair_differences(
    conn: Connection, tenant: str, merges: ModelMerges, arrivals: Mapping[FactId, int]
) -> AsyncIterator[str]:
    """Describes each difference between the pairs in the tables and those of the model. Needs a transaction.

    ``arrivals``: the positions of the facts.
    """
    for query, word, folded, aside in (
        ("verify_merge_pairs", "merged", merges.pairs, merges.set_aside),
        ("verify_forbidden_pairs", "forbidden", merges.forbidden, {}),
    ):
        left = dict(folded)
        async for record in conn.cursor(*bind(query, tenant=tenant), prefetch=FETCH_SIZE, timeout=TIMEOUT):
            row = _PairRow(*record)
            pair = ModelPair(row.kind, row.one, row.other)
            for difference in _differences(row, left.pop(pair, None), aside.get(pair), arrivals):
                yield f"{row.kind} {row.one!r} and {row.other!r}, {word}: {difference}"
            if row.set_aside is not None and not _connects_forbidden(row, merges):
                yield f"{row.kind} {row.one!r} and {row.other!r}, {word}: {row.set_aside} connects no forbidden pair"
        for pair, last in left.items():
            yield f"{pair.kind} {pair.one!r} and {pair.other!r}, {word}: the row of the fact {last.fact.id} is missing"


def _differences(
    row: _PairRow, folded: PairFact | None, path: tuple[str, ...] | None, arrivals: Mapping[FactId, int]
) -> Iterator[str]:
    """``path``: the one of the model, if the pair is set aside."""
    if folded is None:
        yield "no fact is about this pair"
        return
    if FactId(row.source, row.id) != folded.fact or position(row.order_key) != arrivals[folded.fact]:
        yield f"the row is of the fact {row.id}, the newest is {folded.fact.id}"
    if row.holds != folded.holds:
        yield f"the row says {row.holds}, the newest fact {folded.holds}"
    if (row.set_aside is None) != (path is None):
        yield f"the row is set aside for {row.set_aside}, by the facts for {path and list(path)}"


def _connects_forbidden(row: _PairRow, merges: ModelMerges) -> bool:
    """Returns whether the path of a pair that is set aside leads by pairs in force from one of a forbidden pair to the
    other, by way of this pair. Several paths may do so."""
    path = row.set_aside or []
    steps = [{ModelPair(row.kind, one, other), ModelPair(row.kind, other, one)} for one, other in pairwise(path)]
    ends = merges.forbidden.get(ModelPair(row.kind, *sorted((path[0], path[-1]), key=str.encode))) if steps else None
    if ends is None or not ends.holds or {row.one, row.other} not in [set(step) for step in pairwise(path)]:
        return False
    return all(any(pair in merges.pairs and merges.pairs[pair].holds for pair in step) for step in steps)


def alias_difference(row: AuditedAlias, survivor: str | None) -> Iterator[str]:
    """Describes how an alias differs. ``survivor``: what its key is merged into by the facts; None: nothing."""
    if survivor != row.survivor:
        by_facts = "nothing" if survivor is None else repr(survivor)
        yield f"{row.kind} {row.key!r} is merged into {row.survivor!r}, by the facts into {by_facts}"
