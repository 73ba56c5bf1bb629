from __future__ import annotations

import numpy as np
import pytest

from penstock.learning.embedding import BadVector, embedded

HERE = "python:tests.learning.vectors"


def test_a_vector_has_length_one_whatever_the_function_gives() -> None:
    assert embedded(f"{HERE}:of", "prove it").tolist() == [1.0, 0.0]
    assert embedded(f"{HERE}:array", "abc").tolist() == [0.0, 1.0]
    assert embedded(f"{HERE}:array", "abc").dtype == np.float32
    assert embedded(f"{HERE}:nothing", "abc").tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["words", "infinite", "nested", "empty", "number"])
def test_what_is_no_vector_is_an_error(name: str) -> None:
    with pytest.raises(BadVector):
        embedded(f"{HERE}:{name}", "some text")
