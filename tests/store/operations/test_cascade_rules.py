"""The decision tables of deletions and cascades, row by row."""

from collections.abc import Iterator
from itertools import product

import pytest

from store.operations.cascade_rules import RULES, Action, Case, ChildrenCase, Conclusion, conclude, decide

NAMES = ("running", "ended", "other", "cancelled", "expired", "bound")


def cases() -> Iterator[Case]:
    """Generates every combination of the flags."""
    for values in product((False, True), repeat=len(NAMES)):
        yield Case(**dict(zip(NAMES, values, strict=True)))


def test_every_case_is_in_exactly_one_rule() -> None:
    for case in cases():
        found = [action for action, wanted in RULES if all(getattr(case, name) == it for name, it in wanted.items())]
        assert len(found) == 1, (case, found)


@pytest.mark.parametrize(
    ("true", "action"),
    [
        ("", Action.SEND_REQUEST),
        ("expired", Action.EXPIRE),
        ("cancelled", Action.CANCEL),
        ("cancelled expired", Action.CANCEL),
        ("ended", Action.BIND),
        ("ended expired", Action.BIND),
        ("ended bound", Action.END_DELETED_BY_OTHER),
        ("ended cancelled", Action.CANCEL_DELETED),
        ("ended cancelled expired", Action.CANCEL_DELETED),
        ("ended cancelled bound", Action.CANCEL_DELETED),
        ("running ended bound", Action.PROCESS_CHILDREN),
        ("running ended bound cancelled", Action.PROCESS_CHILDREN),
        ("running ended other bound", Action.END_DELETED_AGAIN),
        ("running ended other", Action.END_DELETED_AGAIN),
    ],
)
def test_state_of_entity_and_operation_decide_the_action(true: str, action: Action) -> None:
    case = Case(**{name: name in true.split() for name in NAMES})
    assert decide(case) is action


@pytest.mark.parametrize(
    ("state", "true", "conclusion"),
    [
        ("running", "", Conclusion.END_DONE),
        ("running", "left", Conclusion.CONTINUE),
        ("running", "left parked", Conclusion.CONTINUE),
        ("running", "parked", Conclusion.END_INCOMPLETE),
        ("running", "cancelled left", Conclusion.CANCEL),
        ("running", "cancelled", Conclusion.CANCEL),
        ("incomplete", "", Conclusion.END_DONE),
        ("incomplete", "parked", Conclusion.NOTHING),
        ("incomplete", "left parked", Conclusion.CONTINUE),
        ("done", "", Conclusion.NOTHING),
        ("done", "parked", Conclusion.NOTHING),
        ("done", "left", Conclusion.CONTINUE),
        ("cancelled", "left", Conclusion.NOTHING),
        ("cancelled", "cancelled left", Conclusion.NOTHING),
    ],
)
def test_children_left_and_parked_decide_the_end_of_a_cascade(state: str, true: str, conclusion: Conclusion) -> None:
    flags = {name: name in true.split() for name in ("cancelled", "left", "parked")}
    assert conclude(ChildrenCase(state=state, **flags)) is conclusion
