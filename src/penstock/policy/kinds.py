"""Declared kinds of answer and the output cap that each implies.

A cap is generous against the kind, not against the words: a yes or no is one or two tokens, and 10 leaves room for
punctuation and a closing brace. English runs at about 1.3 tokens a word, so "under N words" is 1.5 x N.
"""

from __future__ import annotations

import math
import re

_FIXED = {"boolean": 10, "number": 16, "label": 16, "date": 16, "id": 32}
_TOKENS_PER = {"word": 1.5, "sentence": 40.0, "token": 1.0}
_UNDER = re.compile(r"^(?:under|at most|up to) (\d{1,6}) (word|sentence|token)s?$")

KINDS = (*_FIXED, "under N words", "under N sentences", "under N tokens")
"""What a policy may declare, for messages."""


def preset_tokens(kind: str) -> int | None:
    """The output cap in tokens for a declared kind of answer, or None for a kind that we do not know.

    ``boolean`` is 10 and ``under 50 words`` is 75.
    """
    wanted = " ".join(kind.lower().split())
    if wanted in _FIXED:
        return _FIXED[wanted]
    match = _UNDER.match(wanted)
    if match is None or int(match[1]) == 0:
        return None
    return math.ceil(int(match[1]) * _TOKENS_PER[match[2]])
