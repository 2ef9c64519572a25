"""Compares the verdict about two versions of a contract with what happens to payloads."""

from random import Random

from catalog.schemas.containment import Gap, gaps
from catalog.schemas.contract_schema import schema_of
from tests.support.contract_shapes import FieldShape, acceptance, fact, payload

Fields = tuple[FieldShape, ...]


def check_verdict(old: Fields, new: Fields, seed: int, payloads: int) -> list[Gap]:
    """Returns the gaps. If there are none, this many payloads of the old version must be accepted by the new one; and
    the example of each must be accepted by the old one alone."""
    before, after, random = fact(old), fact(new), Random(seed)
    was_accepted, accepted = acceptance(before), acceptance(after)
    found = gaps(schema_of(before), schema_of(after))
    if not found:
        made = [payload(old, random) for _ in range(payloads)]
        assert [data for data in made if not accepted(data)] == [], (before, after)
    for gap in found:
        for data in gap.examples:
            assert was_accepted(data), gap
            assert not accepted(data), gap
    return found
