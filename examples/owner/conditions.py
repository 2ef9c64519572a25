"""Preconditions of changes: ``If-Match`` (RFC 9110 §13.1.1). The entity tag of an entity is its version."""

import re
from dataclasses import dataclass

from examples.owner.problems import RequestRefused

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def tag(version: int) -> str:
    """The value of ``ETag`` for an entity of this version: ``"3"``, with the quotes."""
    return f'"{version}"'


@dataclass(frozen=True)
class Condition:
    """``tags``: one of them must be the entity's tag; None: any version is accepted."""

    tags: frozenset[str] | None = None

    def holds(self, version: int) -> bool:
        """Whether an entity of this version may be changed. A weak tag (``W/"3"``) never matches (RFC 9110)."""
        return self.tags is None or tag(version) in self.tags


ALWAYS = Condition()


def condition(if_match: str | None) -> Condition:
    """Parses the header's value; ``*`` accepts any version. Raises RequestRefused (400) for a malformed value."""
    if if_match is None or if_match.strip() == "*":
        return ALWAYS
    if not _LIST.fullmatch(if_match):
        raise RequestRefused(
            400, "malformed", 'If-Match is malformed. Send * or a list of quoted versions: If-Match: "3"'
        )
    return Condition(frozenset(re.findall(_TAG, if_match)))
