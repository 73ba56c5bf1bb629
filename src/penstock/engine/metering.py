"""Metering a streamed answer on the side: what it used, how it ended, and the plain body that it amounts to."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.engine.steps import Send, Sent
from penstock.errors import UpstreamProtocolError
from penstock.models.catalog import profile_of
from penstock.unknown import Unknown
from penstock.wire.answer import read_answer
from penstock.wire.body import Operation, apply
from penstock.wire.content_encoding import Decoder, decoder_of
from penstock.wire.dialect import Dialect
from penstock.wire.estimate import estimate_bytes
from penstock.wire.fold import Fold
from penstock.wire.sse import EventStream
from penstock.wire.usage import Basis, Usage
from penstock.wire.view import View

CUT = "cut_stream"
"""The error kind of a stream that ended before its last event; also the flag of a usage that was estimated for one."""


GATHERED = 32 * 1024
"""Bytes of a stream that may gather before they are read."""


class StreamMeter:
    """Reads a stream's bytes while they pass; nothing that they hold makes it raise.

    Args:
        send: the request that is answered.
        encoding: the answer's ``content-encoding``, or None.
    """

    def __init__(self, send: Send, encoding: str | None = None) -> None:
        self._send = send
        self._decoder: Decoder | None = decoder_of(encoding)
        self._events = EventStream()
        self._fold = Fold(send.dialect)
        self._readable = self._decoder is not None
        self._gathered: list[bytes] = []
        self._size = 0
        # What is compressed is read at once: of broken data the part before the break still counts.
        self._most = GATHERED if encoding in (None, "identity") else 0

    def feed(self, chunk: bytes) -> None:
        """The next bytes, as they came over the wire. They are read many at a time: nobody asks before the end."""
        self._gathered.append(chunk)
        self._size += len(chunk)
        if self._size >= self._most:
            self._read()

    def _read(self) -> None:
        chunk = b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        if not self._readable or self._decoder is None or not chunk:
            return
        try:
            self._fold.add_all(self._events.feed(self._decoder.feed(chunk)))
        except (UpstreamProtocolError, ValueError):
            self._readable = False  # what was read so far still counts

    def sent(
        self,
        *,
        status: int,
        started_at: float,
        first_byte_at: float | None,
        ended_at: float,
        broken: str | None = None,
        prompt_tokens: int | None = None,
        simulated: bool = False,
    ) -> Sent:
        """How the stream went.

        Args:
            status: of the response.
            started_at: when the request was sent, seconds since the epoch.
            first_byte_at: when the first byte came, or None.
            ended_at: when it was over.
            broken: why it ended early (``closed_by_caller``, ``timeout``...), or None if it came to its end.
            prompt_tokens: an estimate of the prompt, for a stream that was cut before it said.
            simulated: as the response's head said.
        """
        self._read()
        if self._readable:
            self._fold.add_all(self._events.close())
        fold = self._fold
        whole = fold.complete and fold.error is None
        kind = broken
        if fold.error is not None:
            kind = fold.error.kind or "stream_error"
        elif whole:
            kind = None  # the answer was complete, whatever happened to the connection after it
        elif kind is None:
            kind = CUT
        body = fold.body()
        usage = fold.usage if whole else self._estimated(fold.usage, body, prompt_tokens)
        return Sent(
            status=status,
            body=body,
            usage=usage,
            started_at=started_at,
            first_byte_at=first_byte_at,
            ended_at=ended_at,
            error_kind=kind,
            simulated=simulated,
        )

    @property
    def complete(self) -> bool:
        """Whether the answer's last event was seen."""
        self._read()
        return self._fold.complete

    def _estimated(self, usage: Usage | None, body: bytes, prompt_tokens: int | None) -> Usage | None:
        """The usage of a cut stream: the provider's input where it was said, the output from the text that came."""
        if usage is None and (prompt_tokens is None or not self._fold.first_content_seen):
            return None
        answer = read_answer(self._send.dialect, body)
        text = sum(len(part.encode()) for part in (answer.text, *(call.arguments for call in answer.tool_calls)))
        profile = profile_of(self._send.model)
        family = "" if isinstance(profile, Unknown) else profile.tokenizer
        output = -int(-estimate_bytes(text, family) // 1)
        base = usage if usage is not None else Usage(input_uncached=prompt_tokens or 0)
        return msgspec.structs.replace(
            base, output=max(base.output, output), basis=Basis.ESTIMATED, flags=(*base.flags, CUT)
        )


class _StreamFields(msgspec.Struct):
    stream: Any = None
    stream_options: Any = None


_fields = msgspec.json.Decoder(_StreamFields)


def _with_last_member(raw: bytes, member: bytes) -> bytes:
    """A JSON object that has members with one more; what follows it is white space."""
    end = raw.rindex(b"}")
    return b"".join((memoryview(raw)[:end], member, memoryview(raw)[end + 1 :]))


def wants_stream(raw: bytes) -> bool:
    """Whether a request body asks for a stream; False for what is no JSON."""
    if b'"stream"' not in raw:
        return False
    try:
        return _fields.decode(raw).stream is True
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


_ASKED = b',"stream_options":{"include_usage":true}}'


def ask_for_usage(dialect: Dialect, raw: bytes, view: View | None = None) -> bytes:
    """A streamed Chat Completions request with ``stream_options.include_usage`` (provider-semantics 2.8).

    Without it a stream carries no usage at all. The very same bytes when it is there already, or in other dialects.
    The caller who did not ask must not see the extra chunk: ``hidden_chunk.UsageChunkFilter``. ``view`` is the reading
    of these bytes, where there is one.
    """
    if dialect is not Dialect.OPENAI_CHAT:
        return raw
    if view is not None and "stream_options" not in view.params:
        return _with_last_member(raw, _ASKED) if view.stream else raw
    try:
        fields = _fields.decode(raw)
        options = fields.stream_options
        if fields.stream is not True or (isinstance(options, dict) and options.get("include_usage") is True):
            return raw
        if isinstance(options, dict):
            return apply(raw, [Operation(("stream_options", "include_usage"), "set", b"true")])
        if options is None:
            return apply(raw, [Operation(("stream_options",), "set", b'{"include_usage":true}')])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return raw
    return raw
