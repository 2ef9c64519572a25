"""Why a request for a missing child was not sent yet, or failed: the sentence made of what the store keeps.

The sentence is only shown. Whatever is decided is decided by the values.
"""

from collections.abc import Sequence


def describe_obstacle(last_error: str, missing_links: Sequence[str]) -> str:
    """One sentence without a full stop; empty if there is nothing to say: what is missing is only a fact.

    ``last_error``: what the owner, or the connection to it, said last; ``missing_links``: the relationships whose links
    have to come first, because the request needs a key that is found through them.
    """
    if not missing_links:
        return last_error
    return f"{' and '.join(missing_links)} {'comes' if len(missing_links) == 1 else 'come'} first"
