"""The largest sizes of names, keys, attributes, entities and pages, in bytes of UTF-8: one unit for all of them.

They are chosen so that the longest values fit together wherever they meet: in an entry of an index (PostgreSQL takes
about 2,700 bytes, whatever they are compressed to), a correlation id, a header, a workflow's id. The sums are in
``docs/decisions/0021-limits.md``; ``tests/unit/catalog/test_limits.py`` checks them.
"""

from errors import Unacceptable

TENANT = 64
"""Of a tenant's name as it is percent-encoded in workflow ids."""
NAME = 64
"""Of the name of a relationship, a kind, an owner or a consumer."""
KEY = 512
"""Of an entity's key."""
SOURCE = 512
ID = 1_024
"""Of the id of a fact: producers make it of the key."""
SEQUENCE = 256
ATTRIBUTE = 2_048
"""Of every other attribute of a CloudEvent, and of its name: a percent-encoded causation id is three times a key."""
OFFSET = 255
"""Of an offset of the feed, which has fewer."""
CREDENTIAL = 128
"""Of the name of an API key."""
ENTITY = 512 * 1024
"""Of an entity's folded data as JSON, with the order keys of its fields: every change writes them again."""
PAGE = 8 * 1024 * 1024
"""Of the data in one page of an answer: the item that reaches it is the page's last."""


def size(text: str) -> int:
    """Bytes of a text in UTF-8. A lone surrogate, which cannot be stored, counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def excess(what: str, text: str, limit: int) -> str:
    """Says by how much a text is too long, naming the limit and its size; empty if it is not.

    ``what`` names the text: "the key".
    """
    found = size(text)
    return f"{what} is longer than {limit} bytes: it has {found}" if found > limit else ""


def check(what: str, text: str, limit: int) -> None:
    """Raises Unacceptable, with the sentence of `excess`, for a text that is too long."""
    if 4 * len(text) > limit and (reason := excess(what, text, limit)):  # no character has more than four bytes
        raise Unacceptable(reason, "too_long", what.removeprefix("the ").split(",")[0])
