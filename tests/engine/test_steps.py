from __future__ import annotations

import pytest

from penstock.engine.steps import Send, Sent
from penstock.wire.dialect import Dialect


@pytest.mark.parametrize(
    ("status", "accepted"),
    [(200, True), (299, True), (199, False), (304, False), (400, False), (529, False), (None, False)],
)
def test_only_a_2xx_status_is_an_answer(status: int | None, accepted: bool) -> None:
    assert Sent(status=status, started_at=0.0, ended_at=1.0).accepted is accepted


def test_a_send_forwards_its_answer_unless_it_says_otherwise() -> None:
    send = Send(body=b"{}", model="m", dialect=Dialect.OPENAI_CHAT)
    assert (send.buffer, send.purpose) == (False, "call")
