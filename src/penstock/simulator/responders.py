"""Responders from a file: recorded answers by prompt digest, and scripted answers in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import InputError, MalformedRequest, UsageError
from penstock.simulator.reply import Reply, Responder, prompt_digest
from penstock.simulator.synthetic import Synthetic
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request


class Scripted:
    """Answers in the given order, the last one again and again; or by prompt digest when given a mapping.

    A plain string is a text answer. A mapping's keys are digests in hexadecimal; the key ``*`` answers the rest, and
    without it the fallback does.
    """

    def __init__(
        self, replies: Sequence[Reply | str] | Mapping[str, Reply | str], fallback: Responder | None = None
    ) -> None:
        if not replies:
            raise UsageError("a scripted responder needs at least one answer")
        self._by_digest = {key: _reply(value) for key, value in replies.items()} if isinstance(replies, Mapping) else {}
        self._in_order = [] if isinstance(replies, Mapping) else [_reply(value) for value in replies]
        self._fallback = fallback or Synthetic()
        self._next = 0

    def __call__(self, view: View, digest: bytes) -> Reply:
        """The answer whose turn it is, or that belongs to the digest."""
        if self._in_order:
            reply = self._in_order[min(self._next, len(self._in_order) - 1)]
            self._next += 1
            return reply
        found = self._by_digest.get(digest.hex()) or self._by_digest.get("*")
        return found if found is not None else self._fallback(view, digest)


def scripted_from(path: Path) -> Scripted:
    """A scripted responder from a JSON file: a list of answers or an object by digest; InputError if it is neither."""
    try:
        replies = msgspec.json.decode(path.read_bytes(), type=list[Reply | str] | dict[str, Reply | str])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} is no script of answers: {error}") from None
    return Scripted(replies)


def recorded_from(path: Path, fallback: Responder | None = None) -> Scripted:
    """Recorded answers by prompt digest from JSON lines; InputError when the file has none.

    A line is ``{"digest": hex, "reply": {...}}``, or ``{"api": ..., "request": {...}, "reply": {...} or "text": ...}``,
    whose digest is computed. Lines of other shapes are passed over.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    replies: dict[str, Reply | str] = dict(_recorded(lines))
    if not replies:
        raise InputError(
            f"{path} holds no recorded answer", hint='a line is {"digest": "<hex>", "reply": {"text": "..."}}'
        )
    return Scripted(replies, fallback)


def responder_from(spec: str, seed: int) -> Responder:
    """The responder that ``synthetic``, ``recorded:FILE`` or ``scripted:FILE`` names; UsageError for anything else."""
    kind, _, name = spec.partition(":")
    if kind == "synthetic" and not name:
        return Synthetic(seed)
    if kind == "recorded" and name:
        return recorded_from(Path(name), Synthetic(seed))
    if kind == "scripted" and name:
        return scripted_from(Path(name))
    raise UsageError(f"no responder is called {spec!r}", hint="synthetic, recorded:FILE or scripted:FILE")


class _Line(msgspec.Struct):
    digest: str | None = None
    api: str | None = None
    request: msgspec.Raw = msgspec.Raw(b"")
    reply: Reply | None = None
    text: str | None = None


def _recorded(lines: Iterable[bytes]) -> Iterable[tuple[str, Reply | str]]:
    decoder = msgspec.json.Decoder(_Line)
    for line in lines:
        try:
            read = decoder.decode(line)
            digest = read.digest or _digest_of(read)
        except (msgspec.MsgspecError, MalformedRequest, ValueError):
            continue
        reply: Any = read.reply if read.reply is not None else read.text
        if reply is not None and digest:
            yield digest.lower(), reply


def _digest_of(line: _Line) -> str:
    return prompt_digest(read_request(Dialect(line.api or ""), bytes(line.request))).hex()


def _reply(value: Reply | str) -> Reply:
    return Reply(text=value) if isinstance(value, str) else value
