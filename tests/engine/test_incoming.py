from __future__ import annotations

from penstock.engine.incoming import Incoming
from penstock.wire.dialect import Dialect


def test_a_request_without_labels_asks_for_nothing() -> None:
    request = Incoming(call_id="c", dialect=Dialect.OPENAI_CHAT, raw=b"{}", started_at=1.0)
    assert (request.task, request.session, request.trace, dict(request.tags)) == (None, None, None, {})
    assert not request.bypass
    assert not request.streamed_to_caller
