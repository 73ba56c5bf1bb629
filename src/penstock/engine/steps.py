"""What one call asks of its driver, and what the driver answers.

``run_call`` is a generator: it yields steps, a driver carries each out and sends the result back in. The gateway
awaits them, the client runs them sync or async, replay answers ``Send`` from a log.

    Send    -> Sent     send a request; forward the answer to the caller as it arrives unless ``buffer``
    Hold    -> None     wait until a sibling's response begins, or a time
    Shadow  -> Sent     answer the caller first; then send a request that no caller waits for, or give None instead
    Grade   -> Graded   answer the caller first; then have the user's grader compare two answers, or give None instead
    Warm    -> None     send a request of ours in the background that fills a cache entry, or say that it cannot be done
    Record  -> None     keep the record of the call
    Amend   -> None     put another record in the place of the one that was kept
"""

from __future__ import annotations

import msgspec

from penstock.engine.pending import PendingPair
from penstock.engine.plan import Plan
from penstock.engine.record import Call
from penstock.wire.answer import Answer
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a request to the dialect's provider.

    When the response's status arrives and is 2xx the driver calls ``EngineContext.began(call_id, at)`` once, so that
    the cache model and waiting siblings know that a cache entry can be read (provider-semantics 1.4).

    Attributes:
        body: the bytes to send.
        model: the model that they name.
        dialect: the API.
        buffer: hold the whole answer back: another Send may follow, and the caller must never see two answers. The
            answer to show is ``Outcome.sent``.
        purpose: ``call``, ``escalation`` or ``retry``.
        plan: of the call, for the headers of an answer that is forwarded before the call is over; None when the body
            could not be read.
        diagnosed: whether it asks for cache diagnostics that the caller did not ask for; the driver takes them out of
            what it shows (``engine.hidden_diagnosis``).
    """

    body: bytes
    model: str
    dialect: Dialect
    buffer: bool = False
    purpose: str = "call"
    plan: Plan | None = None
    diagnosed: bool = False


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """How a Send went.

    Attributes:
        status: HTTP status; None when no response began.
        body: the whole response body, a stream folded into one; None when there is none or it was not kept.
        usage: as reported; None to have it read from ``body``.
        answer: as read; None to have it read from ``body``.
        started_at: when the request was sent, seconds since the epoch.
        first_byte_at: when the answer's first byte came, or None.
        ended_at: when it was over.
        error_kind: a short name of what went wrong (``connect``, ``timeout``, ``cut_stream``, or the provider's error
            type), or None.
        batched: whether it went through a batch API, and is billed so.
        simulated: whether the provider said that its answers are simulated (``wire.simulated``).
    """

    status: int | None
    body: bytes | None = None
    usage: Usage | None = None
    answer: Answer | None = None
    started_at: float
    first_byte_at: float | None = None
    ended_at: float
    error_kind: str | None = None
    batched: bool = False
    simulated: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the provider answered with a 2xx status."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Wait for a sibling's cache write.

    Attributes:
        key: the sibling's call id; ``EngineContext.siblings.wait`` calls back when the wait is over.
        until_s: the latest time to wait to, seconds since the epoch.
        why: one line.
    """

    key: str
    until_s: float
    why: str


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """Ask another model the same, or a judge which answer is better, for the quality gate; its cost is booked.

    Attributes:
        body: the bytes to send.
        model: the model that they name.
        dialect: the API.
        task: whose evidence it is for.
        call_id: of the call that it shadows.
        sent: the answer to show.
        call: the record as it stands; the one to keep comes in the Record after this step.
        plan: of the call.
        purpose: ``shadow`` or ``judge``.
        batch: whether the batch API may be used; the call's record has been kept then.
        pending: what to keep of the pair while it is in a batch.
    """

    body: bytes
    model: str
    dialect: Dialect
    task: str
    call_id: str
    sent: Sent
    call: Call
    plan: Plan
    purpose: str = "shadow"
    batch: bool = False
    pending: PendingPair | None = None


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """Have the user's grader score the two answers to one request.

    Attributes:
        grader: as the policy names it.
        timeout_s: seconds that it has.
        task: whose evidence it is for.
        request: the client's body, in which the prompt stands.
        reference: the stronger model's answer.
        candidate: the cheaper model's.
        call_id: of the call.
        sent: the answer to show.
        call: the record as it stands.
        plan: of the call.
    """

    grader: str
    timeout_s: float
    task: str
    request: bytes
    reference: Answer
    candidate: Answer
    call_id: str
    sent: Sent
    call: Call
    plan: Plan


class Graded(msgspec.Struct, frozen=True):
    """What a grader said.

    Attributes:
        scores: of the reference and of the candidate, each in [0, 1]; None when it failed.
        error: a short name of what went wrong, without text of prompts or answers.
    """

    scores: tuple[float, float] | None
    error: str = ""


class Warm(msgspec.Struct, frozen=True, kw_only=True):
    """Fill or renew a cache entry with a request that generates nothing; its cost is booked.

    When a 2xx status arrives the driver calls ``EngineContext.began(id, at)``; when it is over, whatever became of it,
    ``EngineContext.warmed(id, result)``.

    Attributes:
        id: ours, of the request.
        call_id: of the call that it is sent for or, to keep an entry alive, that used the entry last.
        body: the bytes to send.
        model: the model that they name.
        dialect: the API.
        purpose: ``prewarm`` or ``keep_alive``.
        why: one line with the arithmetic.
        expected: what it is expected to take, so that it finds its place in the provider's limits.
    """

    id: str
    call_id: str
    body: bytes
    model: str
    dialect: Dialect
    purpose: str
    why: str
    expected: Usage


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a call's record."""

    call: Call


class Amend(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a call's record in the place of the one that was kept before."""

    call: Call


WRITTEN_OFF = "written_off"
"""The ``error_kind`` of a batched shadow that was paid for and whose answer nobody waits for any more."""

Later = Shadow | Grade
"""What is done when the caller has the answer."""

Step = Send | Hold | Later | Warm | Record | Amend
Result = Sent | Graded | None
