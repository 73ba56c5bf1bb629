"""The user's own embedding of a prompt, where a gate names one: a function from text to a vector.

It runs wherever difficulty is worked out: in the learner's thread for scored pairs, and on the call's path for a prompt
that may be easy. It should be a matter of microseconds to a few milliseconds; a service in another machine is none.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from penstock.grading.graders import function_of

MOST_DIMENSIONS = 4096


class BadVector(ValueError):  # noqa: N818 - named for what it is
    """What came back is no vector of finite numbers, or one that is too long."""


def embedded(spec: str, text: str) -> NDArray[np.float32]:
    """The vector of a text, of length one; of zeros if the function's is.

    Args:
        spec: ``python:MODULE:FUNCTION``.
        text: the prompt.

    Raises:
        BadVector: for anything but 1 to ``MOST_DIMENSIONS`` finite numbers.
        Exception: whatever the user's function raises.
    """
    found = function_of(spec)(text)
    if not isinstance(found, Iterable):
        raise BadVector
    try:
        vector = np.asarray(found if hasattr(found, "__array__") else list(found), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadVector from error
    if vector.ndim != 1 or not 0 < len(vector) <= MOST_DIMENSIONS or not np.isfinite(vector).all():
        raise BadVector
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0.0 else vector
