"""Signatures of deliveries by Standard Webhooks, version ``v1``: HMAC-SHA256 over ``id.timestamp.body``.

A secret is ``whsec_`` and the base64 of 24 to 64 random bytes. While one is rotated, a delivery carries the signatures
of both, and a receiver accepts it by either.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Sequence

from errors import Refused

PREFIX = "whsec_"
BYTES = 32
"""Bytes of a secret that is made here."""
_LEAST, _MOST = 24, 64
_SECRET = re.compile(r"\bwhsec_[A-Za-z0-9+/=]*")


def new_secret() -> str:
    """Returns a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def check(secret: str) -> None:
    """Raises Refused for what is no secret. The message does not show it."""
    if not secret.startswith(PREFIX) or not _LEAST <= len(_key(secret)) <= _MOST:
        raise Refused(
            f"the secret is not {PREFIX} and the base64 of {_LEAST} to {_MOST} bytes; leave it out, and one is made"
        )


def signatures(keys: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: one signature for each secret, separated by blanks.

    ``timestamp``: seconds since 1970, the same as in ``webhook-timestamp``.
    """
    signed = f"{id}.{timestamp}.".encode() + body
    made = (hmac.digest(_key(secret), signed, "sha256") for secret in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in made)


def without_secrets(text: str) -> str:
    """A text, such as the words of a receiver, with everything in it that looks like a secret left out."""
    return _SECRET.sub(f"{PREFIX}…", text)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
