"""Changes on a condition: ``If-Match`` (RFC 9110 §13.1.1). The tag of an entity is its version."""

import re
from dataclasses import dataclass

from examples.owner.problems import RequestRefused

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def tag(version: int) -> str:
    """What ``ETag`` says of an entity: ``"3"``, with the quotes."""
    return f'"{version}"'


@dataclass(frozen=True)
class Condition:
    """``tags``: one of them must be the entity's; None: any will do."""

    tags: frozenset[str] | None = None

    def holds(self, version: int) -> bool:
        """Whether an entity of this version may be changed. A weak tag (``W/"3"``) never lets it, as for RFC 9110."""
        return self.tags is None or tag(version) in self.tags


ALWAYS = Condition()


def condition(if_match: str | None) -> Condition:
    """Of the header's value; ``*`` asks for any version of an entity that is there. Refused: 400 for nonsense."""
    if if_match is None or if_match.strip() == "*":
        return ALWAYS
    if not _LIST.fullmatch(if_match):
        raise RequestRefused(400, "malformed", 'If-Match is * or a list of quoted versions: If-Match: "3"')
    return Condition(frozenset(re.findall(_TAG, if_match)))
