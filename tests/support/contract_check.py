"""`python -m tests.support.contract_check PAIRS PAYLOADS`: what `scripts/check-contracts` runs."""

import sys
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.contract_verdicts import Fields, check_verdict
from tests.support.contract_versions import close_versions, versions


def main(pairs: int, payloads: int) -> None:
    """Plays so many pairs, and prints how many were compatible, and how many verdicts were uncertain."""
    outcomes: Counter[str] = Counter()

    @given(st.one_of(close_versions(), versions()), st.integers(0, 2**32))
    @settings(max_examples=pairs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def play(pair: tuple[Fields, Fields], seed: int) -> None:
        found = check_verdict(*pair, seed, payloads)
        outcome = "compatible" if not found else "incompatible"
        outcomes[outcome if any(gap.certain for gap in found) or not found else "not decided"] += 1

    play()
    sys.stdout.write(f"{dict(outcomes)}: every verdict agrees with {payloads} payloads\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
