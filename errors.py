"""What can go wrong, drawn once.

Two words decide what happens next: *refused* is final, *unavailable* may be tried again. A third,
*quarantined*, concerns one fact alone and is no exception but an outcome (see ``store/write/recorder.py``).

    TetherError
    ├── Refused               final; the message says what is wrong and how to mend it
    │   ├── Malformed         an envelope that is no CloudEvent                 400
    │   ├── Unacceptable      a fact that breaks its contract              quarantined, or 422
    │   ├── BadDeclaration    a contract or relationship that cannot be used    start-up
    │   ├── BadToken          a token or cursor that was not made here          400
    │   ├── Unknown           no such entity, relationship, operation           404
    │   ├── Forbidden         the credential's scope does not cover it          403
    │   ├── Unauthenticated   no credential, or one that is not known           401
    │   ├── Conflict          contradicts what is recorded                      409
    │   │   ├── KeyReused     an Idempotency-Key of another request             409
    │   │   ├── Restricted    children forbid the deletion                      409
    │   │   └── PlanOutdated  more is concerned by now than was planned         409
    │   └── Gone              an owner: not there, or not as it was thought     activities
    └── Unavailable           try again, after ``retry_after`` seconds          503
        ├── Unsent            the owner cannot have heard of it             activities
        │   └── Busy          all of the owner's slots are taken            activities
        ├── Failed            the owner failed at this request              activities
        └── NotYet            a revision that has not been reached in time      409
"""


class TetherError(Exception):
    """Base of all errors that Tether raises on purpose."""


class Refused(TetherError):
    """Final: the same request will be refused again."""


class Malformed(Refused):
    """A CloudEvents envelope that cannot be read. ``field`` names the attribute, ``index`` the place in a batch."""

    def __init__(self, field: str, reason: str, index: int | None = None) -> None:
        self.field = field
        self.reason = reason
        self.index = index
        place = "" if index is None else f"event {index}: "
        super().__init__(f"{place}{field}: {reason}")


class Unacceptable(Refused):
    """A good envelope around a fact that cannot be taken; ``reason`` goes to the quarantine with it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class BadDeclaration(Refused):
    """A declaration that cannot be used. ``where`` is its file, ``mend`` what to do."""

    def __init__(self, where: str, problem: str, mend: str) -> None:
        self.where = where
        self.problem = problem
        self.mend = mend
        super().__init__(f"{where}: {problem}. {mend}")


class BadToken(Refused):
    """A token or a cursor that Tether did not make, or made for something else."""


class Unknown(Refused):
    """Nothing of that name is known."""


class Forbidden(Refused):
    """The credential is good, but its scope does not cover this."""


class Unauthenticated(Refused):
    """No credential, or one that is not known."""


class Conflict(Refused):
    """Contradicts what is recorded already."""


class KeyReused(Conflict):
    """An Idempotency-Key that stands for another request."""


class Restricted(Conflict):
    """There are children whose relationship forbids that their parent is deleted."""


class Gone(Refused):
    """The owner says that what it was asked about is not there (any more), or not as it was thought to be."""


class PlanOutdated(Conflict):
    """More is concerned by now than the plan says."""


class Unavailable(TetherError):
    """Something needed is away; the same request may succeed after ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Failed(Unavailable):
    """The owner failed at this request, perhaps at this alone. ``answered``: it said so, else it broke off or hung."""

    def __init__(self, message: str, retry_after: float = 1.0, *, answered: bool) -> None:
        self.answered = answered
        super().__init__(message, retry_after)


class Unsent(Unavailable):
    """The owner was not reached, or not tried: it cannot have heard of the request."""


class Busy(Unsent):
    """Others are asking the owner; that says nothing against it. Come again soon."""


class NotYet(Unavailable):
    """The revision that was asked for has not been reached within the time given."""
