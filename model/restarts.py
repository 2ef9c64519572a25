"""Facts of owners whose sequences begin again when a deleted key is used again."""

from collections.abc import Sequence

from catalog.vocabulary import Effect
from model.facts import ModelFact
from model.order import sequence_parts


def numbered(facts: Sequence[ModelFact]) -> list[ModelFact]:
    """Returns all facts about one entity, each with the number of restarts that it comes after.

    A creation is a restart if it is later than some deletion by its time, and not later by its sequence. A fact comes
    after those restarts that are not later than itself by time, or, if it has no time, did not arrive later.
    """
    deletions = [fact for fact in facts if fact.effect is Effect.DELETED]
    restarts = [fact for fact in facts if any(_begins_again(fact, deletion) for deletion in deletions)]
    return [fact._replace(restarts=len({r.time for r in restarts if _follows(fact, r)})) for fact in facts]


def _begins_again(fact: ModelFact, deletion: ModelFact) -> bool:
    if fact.effect is not Effect.CREATED or fact.time is None or deletion.time is None:
        return False
    if fact.sequence is None or deletion.sequence is None:
        return False
    return fact.time > deletion.time and sequence_parts(fact.sequence) <= sequence_parts(deletion.sequence)


def _follows(fact: ModelFact, restart: ModelFact) -> bool:
    if fact.time is None or restart.time is None:
        return fact.arrival >= restart.arrival
    return fact.time >= restart.time
