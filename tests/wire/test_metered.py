from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.metered import Metered, metered_of_path, model_asked, read_metered
from penstock.wire.usage import Basis, Usage


@pytest.mark.parametrize("kind", list(Metered))
def test_an_endpoint_is_known_by_its_path_with_and_without_the_version(kind: Metered) -> None:
    assert metered_of_path(kind.path) is kind
    assert metered_of_path(kind.path.removeprefix("/v1") + "/") is kind


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/embeddings/x", "/v1", "", "/v1/messages/batches"])
def test_other_paths_are_none(path: str) -> None:
    assert metered_of_path(path) is None


def test_an_embedding_bills_its_prompt_tokens() -> None:
    body = b'{"object":"list","data":[{"embedding":[0.1]}],"model":"m-3","usage":{"prompt_tokens":8,"total_tokens":8}}'
    assert read_metered(Metered.EMBEDDINGS, body) == ("m-3", Usage(input_uncached=8))


@pytest.mark.parametrize("kind", [Metered.ANTHROPIC_COUNT, Metered.OPENAI_COUNT])
def test_counting_bills_nothing(kind: Metered) -> None:
    assert kind.free
    assert read_metered(kind, b'{"input_tokens":2000}') == ("", Usage(input_uncached=0, basis=Basis.DERIVED))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"usage":7}', b'{"usage":{"prompt_tokens":-1}}', b'{"usage":{}}', b"\xff", b"[" * 9999],
)
def test_an_embedding_that_does_not_say_what_it_billed_is_unknown(body: bytes) -> None:
    assert read_metered(Metered.EMBEDDINGS, body)[1] is None


@given(st.binary(max_size=60))
def test_no_bytes_make_the_readings_raise(data: bytes) -> None:
    assert isinstance(model_asked(data), str)
    assert isinstance(read_metered(Metered.EMBEDDINGS, data), tuple)
