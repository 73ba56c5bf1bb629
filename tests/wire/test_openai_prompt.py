from __future__ import annotations

import pytest

from penstock.wire.chain import Chain
from penstock.wire.dialect import Dialect
from penstock.wire.openai_prompt import content_with, default_ttl, level_of, marker_json
from penstock.wire.raw import ABSENT, Raw
from penstock.wire.segments import Level, Marker

_CONTENT = content_with(Dialect.OPENAI_CHAT, "30m")


@pytest.mark.parametrize(
    ("options", "ttl"),
    [(b"", "30m"), (b"null", "30m"), (b"{}", "30m"), (b'{"ttl":"12h"}', "12h"), (b'{"ttl":5}', "30m"), (b"[]", "30m")],
)
def test_the_default_lifetime_is_that_of_the_options(options: bytes, ttl: str) -> None:
    assert default_ttl(Raw(options) if options else ABSENT) == ttl


@pytest.mark.parametrize(
    ("breakpoint_", "marker"),
    [
        (b"null", None),
        (b'{"mode":"explicit"}', Marker("30m")),
        (b'{"mode":"explicit","ttl":"12h"}', Marker("12h")),
        (b"true", Marker("30m")),
    ],
)
def test_breakpoints_are_read_with_their_lifetime(breakpoint_: bytes, marker: Marker | None) -> None:
    assert _CONTENT.marker_of(Raw(breakpoint_)) == marker


def test_the_initial_run_of_developer_messages_is_the_system_prompt() -> None:
    chain = Chain(_CONTENT)
    levels = [level_of(chain, role) for role in ("developer", "system", "user", "developer")]
    assert levels == [Level.SYSTEM, Level.SYSTEM, Level.MESSAGES, Level.MESSAGES]


def test_breakpoints_name_only_a_lifetime_that_is_not_the_default() -> None:
    assert marker_json(Marker("30m")) == b'{"mode":"explicit"}'
    assert marker_json(Marker("12h")) == b'{"mode":"explicit","ttl":"12h"}'
