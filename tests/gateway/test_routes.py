from __future__ import annotations

import pytest

from penstock.gateway.routes import route_of
from penstock.wire.dialect import Dialect
from penstock.wire.metered import Metered


@pytest.mark.parametrize(
    ("method", "path", "anthropic", "provider", "target", "dialect"),
    [
        ("POST", b"/v1/messages", True, "anthropic", b"/v1/messages", Dialect.ANTHROPIC_MESSAGES),
        ("POST", b"/v1/messages", False, "anthropic", b"/v1/messages", Dialect.ANTHROPIC_MESSAGES),
        ("POST", b"/v1/chat/completions", False, "openai", b"/v1/chat/completions", Dialect.OPENAI_CHAT),
        ("POST", b"/chat/completions", False, "openai", b"/chat/completions", Dialect.OPENAI_CHAT),
        ("POST", b"/openai/v1/responses", False, "openai", b"/v1/responses", Dialect.OPENAI_RESPONSES),
        ("POST", b"/anthropic/v1/messages", False, "anthropic", b"/v1/messages", Dialect.ANTHROPIC_MESSAGES),
        ("GET", b"/v1/chat/completions", False, "openai", b"/v1/chat/completions", None),
        ("POST", b"/v1/messages/count_tokens", False, "anthropic", b"/v1/messages/count_tokens", None),
        ("GET", b"/v1/models", False, "openai", b"/v1/models", None),
        ("GET", b"/v1/models", True, "anthropic", b"/v1/models", None),
        ("GET", b"/anthropic/v1/models", False, "anthropic", b"/v1/models", None),
        ("GET", b"/openai/v1/files/x%2Fy", True, "openai", b"/v1/files/x%2Fy", None),
        ("DELETE", b"/v1/responses/resp_1", False, "openai", b"/v1/responses/resp_1", None),
        ("POST", b"/openai/v1/messages", False, "openai", b"/v1/messages", None),
        ("POST", b"/", False, "openai", b"/", None),
    ],
)
def test_a_request_has_one_way(  # noqa: PLR0917 - a table
    method: str, path: bytes, anthropic: bool, provider: str, target: bytes, dialect: Dialect | None
) -> None:
    route = route_of(method, path, anthropic=anthropic)
    assert (route.provider, route.path, route.dialect) == (provider, target, dialect)


@pytest.mark.parametrize(
    ("method", "path", "metered"),
    [
        ("POST", b"/v1/embeddings", Metered.EMBEDDINGS),
        ("POST", b"/openai/v1/embeddings", Metered.EMBEDDINGS),
        ("POST", b"/v1/messages/count_tokens", Metered.ANTHROPIC_COUNT),
        ("POST", b"/v1/responses/input_tokens", Metered.OPENAI_COUNT),
        ("GET", b"/v1/embeddings", None),
        ("POST", b"/anthropic/v1/embeddings", None),
        ("POST", b"/v1/messages/batches", None),
    ],
)
def test_some_calls_are_metered_only(method: str, path: bytes, metered: Metered | None) -> None:
    route = route_of(method, path, anthropic=False)
    assert (route.dialect, route.metered) == (None, metered)
