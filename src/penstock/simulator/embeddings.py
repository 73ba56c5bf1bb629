"""Embeddings by hashed words: equal texts have equal vectors and texts that share words lie near each other."""

from __future__ import annotations

import math
import re
import struct
from base64 import b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from penstock.simulator.errors import bad_request
from penstock.simulator.tokens import count_text

DIMENSIONS: Mapping[str, int] = {"text-embedding-3-large": 3072}
"""Length of a model's vectors where it is not 1,536."""

_DEFAULT_DIMENSIONS = 1536
_MOST_INPUTS = 2048
_HASHES_PER_WORD = 4
_WORD = re.compile(r"\w+")


def embed(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The response body and the billed tokens; ApiError for what the endpoint does not take."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad_request("you must provide a model parameter", param="model")
    texts = _texts(body.get("input"))
    dimensions = body.get("dimensions")
    dimensions = DIMENSIONS.get(model, _DEFAULT_DIMENSIONS) if dimensions is None else dimensions
    if not isinstance(dimensions, int) or not 1 <= dimensions <= _MOST_INPUTS * 2:
        raise bad_request("Invalid value for 'dimensions'.", param="dimensions", code="invalid_value")
    packed = body.get("encoding_format") == "base64"
    tokens = sum(count_text(text, 1.0) for text in texts)
    data = []
    for index, text in enumerate(texts):
        vector = vector_of(text, dimensions)
        shown: Any = b64encode(struct.pack(f"<{dimensions}f", *vector)).decode() if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}, tokens


def vector_of(text: str, dimensions: int) -> list[float]:
    """A unit vector of a text; the zero text has its first coordinate set."""
    vector = [0.0] * dimensions
    for word in _WORD.findall(text.lower()):
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_HASHES_PER_WORD * 5).digest()
        for start in range(0, len(digest), 5):
            place = int.from_bytes(digest[start : start + 4], "big") % dimensions
            vector[place] += 1.0 if digest[start + 4] & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in vector))
    if norm == 0:
        vector[0] = norm = 1.0
    return [value / norm for value in vector]


def _texts(given: Any) -> list[str]:
    items = [given] if isinstance(given, str) else given
    if isinstance(items, list) and items and all(isinstance(each, int) for each in items):
        items = [items]
    texts = [_text(each) for each in items] if isinstance(items, list) else []
    known = [each for each in texts if each is not None]
    if len(known) != len(texts) or not 1 <= len(known) <= _MOST_INPUTS:
        raise bad_request("Invalid 'input': expected a string or a list of strings.", param="input")
    return known


def _text(item: Any) -> str | None:
    """A text as it is, tokens as their numbers, None for anything else."""
    if isinstance(item, list) and item and all(isinstance(each, int) for each in item):
        return " ".join(map(str, item))
    return item if isinstance(item, str) else None
