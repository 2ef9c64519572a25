"""All errors that Tether raises on purpose, as one tree.

Two words decide what happens next: *refused* is final, *unavailable* may be retried. A third, *quarantined*, concerns
a single fact and is no exception but an outcome (``store/write/recorder.py``). Right: HTTP status, or where it occurs.

    TetherError
    ├── Refused               final; the message says what is wrong and how to mend it
    │   ├── Malformed         the envelope is no CloudEvent                     400
    │   ├── Unacceptable      the fact breaks its contract                 quarantined, or 422
    │   ├── BadDeclaration    a contract or relationship cannot be used         start-up
    │   ├── BadToken          the token or cursor was not made here             400
    │   ├── Expired           its revisions are not kept any more               410
    │   ├── Unknown           no such entity, relationship or operation         404
    │   ├── Forbidden         the credential's scope does not cover it          403
    │   ├── Unauthenticated   no credential, or an unknown one                  401
    │   ├── Conflict          contradicts what is recorded                      409
    │   │   ├── KeyReused     Idempotency-Key of another request                409
    │   │   ├── Restricted    children forbid the deletion                      409
    │   │   ├── PlanOutdated  more children are concerned than were planned     409
    │   │   ├── ForbiddenMerge  keys that must never be merged                  409
    │   │   ├── CardinalityBroken  a merge would link one entity twice          409
    │   │   └── Fenced        another holder has taken the consumer over        409
    │   └── Contradicted      owner: its entity's state contradicts it (409)    activities
    │       ├── Outdated      owner: the precondition does not hold (412)       activities
    │       └── Gone          owner: there is no such entity (404, 410)         activities
    └── Unavailable           retry after ``retry_after`` seconds               503
        ├── Unsent            the owner cannot have received the request        activities
        │   ├── Busy          all of the owner's slots are taken                activities
        │   └── Withdrawn     no longer to be requested when its turn came      activities
        ├── Failed            the owner failed at this request                  activities
        └── NotYet            a revision was not reached in time                409
"""

from collections.abc import Sequence


class TetherError(Exception):
    """Base of all errors that Tether raises on purpose."""


class Refused(TetherError):
    """Final: the same request will be refused again."""


class Malformed(Refused):
    """An envelope that is no CloudEvent. ``field``: the attribute."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class Unacceptable(Refused):
    """A fact that breaks its contract. It goes to quarantine with the ``reason``.

    ``code``: one of ``messages/quarantine_reasons.py``; ``field``: the attribute, or field of its data, that it is
    about; empty: none.
    """

    def __init__(self, reason: str, code: str = "other", field: str = "") -> None:
        self.reason = reason
        self.code = code
        self.field = field
        super().__init__(reason)


class BadDeclaration(Refused):
    """A declaration that cannot be used. ``where``: its file; ``mend``: what to do."""

    def __init__(self, where: str, problem: str, mend: str) -> None:
        self.where = where
        self.problem = problem
        self.mend = mend
        super().__init__(f"{where}: {problem}. {mend}")


class BadToken(Refused):
    """A token or cursor that Tether did not make, or made for another query."""


class Expired(Refused):
    """The token, offset or cursor names revisions that are not kept any more, or were lost in a restore.

    ``earliest``: an offset from which the feed can still be read; ``resync``: the path of a snapshot to start from.
    """

    def __init__(self, message: str, *, earliest: str | None = None, resync: str | None = None) -> None:
        self.earliest = earliest
        self.resync = resync
        super().__init__(message)


class Unknown(Refused):
    """No entity, relationship, operation or tenant has this name."""


class Forbidden(Refused):
    """The credential is valid, but its scope does not cover the request."""


class Unauthenticated(Refused):
    """No credential was given, or an unknown one."""


class Conflict(Refused):
    """The request contradicts what is recorded."""


class KeyReused(Conflict):
    """The Idempotency-Key was used for another request."""


class Restricted(Conflict):
    """The entity has children whose relationship forbids its deletion."""


class PlanOutdated(Conflict):
    """More children are concerned than the plan names."""


class ForbiddenMerge(Conflict):
    """Keys that must never be merged would be. ``path``: the keys on the way from one of them to the other."""

    def __init__(self, message: str, path: Sequence[str]) -> None:
        self.path = path
        super().__init__(message)


class CardinalityBroken(Conflict):
    """A merge would link one entity twice where one link is allowed, and no rule says which counts."""


class Fenced(Conflict):
    """Another holder has taken the consumer over. ``generation``: the present one; ``holder``: who began it."""

    def __init__(self, message: str, *, generation: int, holder: str) -> None:
        self.generation = generation
        self.holder = holder
        super().__init__(message)


class Contradicted(Refused):
    """The owner says that the state of its entity contradicts the request, perhaps only until a fact arrives."""


class Outdated(Contradicted):
    """The owner says that the request's precondition does not hold: its entity is not in the expected parent."""


class Gone(Contradicted):
    """The owner says that the entity does not exist (any more)."""


class Unavailable(TetherError):
    """Temporary: the same request may succeed after ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Failed(Unavailable):
    """The owner failed at this request, perhaps only at this one. ``answered``: it sent a status, else none came."""

    def __init__(self, message: str, retry_after: float = 1.0, *, answered: bool) -> None:
        self.answered = answered
        super().__init__(message, retry_after)


class Unsent(Unavailable):
    """The owner was not reached, or not tried: it cannot have received the request."""


class Busy(Unsent):
    """Tether itself uses all of the owner's slots; retry soon. Says nothing about the owner."""


class Withdrawn(Unsent):
    """Tether itself left the request out: when its turn came, it was no longer to be sent."""


class NotYet(Unavailable):
    """The requested revision was not reached within the given time."""
