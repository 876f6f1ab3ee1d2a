"""Python's values as request bodies, and answers as arrays. SPDX-License-Identifier: Apache-2.0

numpy is not imported: who passes an array has done it.
"""

from __future__ import annotations

import array
import json
import sys
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping

JSON_TYPE = "application/json"
OCTETS_TYPE = "application/octet-stream"
PNG_TYPE = "image/png"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Body:
    """A request body, and what the query says of it."""

    content: bytes
    type: str
    query: Dict[str, str] = field(default_factory=dict)


def is_array(value: Any) -> bool:
    """Whether it is one of numpy's arrays."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def json_body(value: Any) -> Body:
    """Any value; arrays within it become lists. ValueError: a number that is not finite."""
    text = json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))
    return Body(text.encode(), JSON_TYPE)


def input_body(instances: Any, extra: Mapping[str, Any]) -> Body:
    """A body that carries instances, and beside them those of extra that are not None.

    See Client.predict() for what instances may be. TypeError: an array of another type.
    """
    given = {key: value for key, value in extra.items() if value is not None}
    if isinstance(instances, (bytes, bytearray, memoryview)):
        raw = bytes(instances)
        if raw.startswith(PNG_SIGNATURE):
            return Body(raw, PNG_TYPE, _query(given))
        return Body(raw, OCTETS_TYPE, {"dtype": "uint8", **_query(given)})
    if is_array(instances):
        return _array_body(instances, given)
    if isinstance(instances, array.array):
        return _floats_body(array.array("f", instances), given)
    if isinstance(instances, dict):
        return json_body({**instances, **given})
    return json_body({"instances": instances, **given})


def as_arrays(value: Any) -> Any:
    """Numbers in lists as float32 arrays; lists of unlike lengths stay lists, of arrays."""
    if isinstance(value, dict):
        return {key: as_arrays(one) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    try:
        return sys.modules["numpy"].array(value, dtype="float32")
    except (TypeError, ValueError):
        return [as_arrays(one) for one in value]


def _array_body(values: Any, given: Mapping[str, Any]) -> Body:
    if values.dtype == "uint8":
        return Body(values.tobytes(), OCTETS_TYPE, {"dtype": "uint8", **_query(given)})
    if values.dtype.kind == "f":
        return Body(values.astype("<f4").tobytes(), OCTETS_TYPE, _query(given))
    if values.dtype.kind in "iu":
        return json_body({"instances": values, **given})
    raise TypeError(f"instances: expected an array of numbers, found one of {values.dtype}")


def _floats_body(values: "array.array[float]", given: Mapping[str, Any]) -> Body:
    if sys.byteorder == "big":
        values.byteswap()
    return Body(values.tobytes(), OCTETS_TYPE, _query(given))


def _query(given: Mapping[str, Any]) -> Dict[str, str]:
    """Values as the query has them: JSON without the outermost brackets."""
    texts = {key: json_body(value).content.decode() for key, value in given.items()}
    return {key: text[1:-1] if text.startswith("[") else text for key, text in texts.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"expected numbers, texts, lists or arrays, found {type(value).__name__}")
