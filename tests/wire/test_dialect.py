from __future__ import annotations

import pytest

from penstock.wire.dialect import Dialect, dialect_of_path


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/messages", Dialect.ANTHROPIC_MESSAGES),
        ("/messages", Dialect.ANTHROPIC_MESSAGES),
        ("/v1/messages/", Dialect.ANTHROPIC_MESSAGES),
        ("/v1/chat/completions", Dialect.OPENAI_CHAT),
        ("/chat/completions", Dialect.OPENAI_CHAT),
        ("/v1/responses", Dialect.OPENAI_RESPONSES),
        ("/v1/messages/count_tokens", None),
        ("/v1/messages/batches", None),
        ("/v1/embeddings", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_path_names_its_dialect(path: str, dialect: Dialect | None) -> None:
    assert dialect_of_path(path) is dialect


def test_a_dialect_knows_its_provider_and_path() -> None:
    assert {dialect.provider for dialect in Dialect} == {"anthropic", "openai"}
    for dialect in Dialect:
        assert dialect_of_path(dialect.path) is dialect
        assert dialect.value.startswith(dialect.provider + ".")
