"""What the comparison of schemas says agrees with what the validation of facts does with payloads.

`scripts/check-contracts` does the same with more pairs, and 1,000 payloads for each.
"""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.contract_shapes import acceptance, fact, payload
from tests.support.contract_verdicts import Fields, check_verdict
from tests.support.contract_versions import close_versions, versions


@given(st.one_of(close_versions(), versions()), st.integers(0, 2**32))
@settings(max_examples=80)
def test_verdict_agrees_with_what_happens_to_payloads(pair: tuple[Fields, Fields], seed: int) -> None:
    check_verdict(*pair, seed, payloads=30)


@given(versions(), st.integers(0, 2**32))
@settings(max_examples=15)
def test_generated_payloads_are_accepted_by_their_own_version(pair: tuple[Fields, Fields], seed: int) -> None:
    old, random = pair[0], Random(seed)
    accepts = acceptance(fact(old))
    assert all(accepts(payload(old, random)) for _ in range(20))
