"""The data of an event in JSON format: JSON under ``data``, or encoded under ``data_base64``."""

import base64
import binascii
from typing import Any

from errors import Malformed, Unacceptable
from facts.json_text import parse_json
from facts.media_type import is_json


def read_data(event: dict[str, Any]) -> Any:
    """Returns the data of an event whose attributes say something about it; None if it has none.

    Raises Unacceptable for data that is no JSON, or that cannot be stored as it is.
    """
    data, encoded = event.get("data"), event.get("data_base64")
    if data is None and encoded is None:
        return None
    if data is not None and encoded is not None:
        raise Unacceptable("data and data_base64 are both given: send one of them", "data_unreadable", "data")
    media_type = event.get("datacontenttype")
    if media_type is not None and not (type(media_type) is str and is_json(media_type)):
        raise Unacceptable(
            f"datacontenttype is {str(media_type)[:100]!r}: the data of a fact is JSON", "data_unreadable", "data"
        )
    return data if encoded is None else _decoded(encoded)


def _decoded(encoded: Any) -> Any:
    if type(encoded) is not str:
        raise Unacceptable("data_base64 must be a text", "data_unreadable", "data")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Unacceptable("data_base64 is no base64", "data_unreadable", "data") from None
    if not raw:
        return None
    try:
        data, flaw = parse_json(raw)
    except Malformed as error:
        raise Unacceptable(f"data_base64 holds no JSON: {error.reason}", "data_unreadable", "data") from None
    if flaw:
        raise Unacceptable(flaw, "data_unreadable", "data")
    return data
