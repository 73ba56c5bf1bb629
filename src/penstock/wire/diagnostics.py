"""What a provider says of a prompt that could not reuse an earlier one (provider-semantics 1.10 and 2.2, rule 8).

    Anthropic   request ``diagnostics.previous_message_id`` (null on a first turn opts in), answer ``diagnostics``: null
                where nothing diverged, ``cache_miss_reason`` null while the comparison is under way, else its type
    Responses   request ``prompt_cache_options.comparison_response_id``, answer ``prompt_cache_diagnostics``

Chat Completions have none. In streams Anthropic's stands in ``message_start``, OpenAI's in every event that holds the
response.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from penstock.wire.body import Operation, apply
from penstock.wire.dialect import Dialect
from penstock.wire.raw import ABSENT, UNREADABLE, Raw, is_given, object_of
from penstock.wire.view import View

Outcome = Literal["reusable", "diverged", "pending", "not_found", "unavailable"]

_ASKS = {Dialect.ANTHROPIC_MESSAGES: "diagnostics", Dialect.OPENAI_RESPONSES: "prompt_cache_options"}
_SAYS = {Dialect.ANTHROPIC_MESSAGES: "diagnostics", Dialect.OPENAI_RESPONSES: "prompt_cache_diagnostics"}
_COMPARED = "comparison_response_id"
_WORD = re.compile(r"[a-z][a-z_]{0,63}")
_NOT_FOUND = frozenset({"previous_message_not_found", "comparison_response_not_found"})


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's comparison of a prompt with the one before it.

    Attributes:
        outcome: ``reusable`` (the earlier prefix could be reused), ``diverged``, ``pending`` (the answer was written
            before the comparison was over), ``not_found`` (the earlier answer is not known) or ``unavailable``.
        reason: what diverged first, in the provider's own word (``system_changed``); empty unless ``diverged``.
        missed: tokens behind the divergence that could have been read, about; None when not said.
        reusable: tokens of the earlier prompt in front of it; None when not said.
    """

    outcome: Outcome
    reason: str = ""
    missed: int | None = None
    reusable: int | None = None

    @property
    def word(self) -> str:
        """The reason, or the outcome where nothing diverged."""
        return self.reason or self.outcome


class _Asked(msgspec.Struct):
    diagnostics: Any = None
    prompt_cache_options: Any = None


class _Said(msgspec.Struct):
    diagnostics: Any = None
    prompt_cache_diagnostics: Any = None


_asked = msgspec.json.Decoder(_Asked)
_said = msgspec.json.Decoder(_Said)


def asks_already(view: View) -> bool:
    """Whether the caller asks for diagnostics by itself, with or without something to compare to."""
    if view.dialect is Dialect.OPENAI_RESPONSES:
        options = view.get("prompt_cache_options")
        return isinstance(options, dict) and _COMPARED in options
    return "diagnostics" in view.params


def asking(view: View, previous: str | None) -> bytes | None:
    """A request that asks for a comparison; None where the API has none, or there is nothing to compare to yet.

    Args:
        view: a request that does not ask by itself.
        previous: the provider's id of the answer before it. Anthropic compares only with requests that opted in, so
            there a first request asks too.
    """
    identity = msgspec.json.encode(previous)
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        return view.apply([Operation(("diagnostics",), "set", b'{"previous_message_id":%b}' % identity)])
    if view.dialect is not Dialect.OPENAI_RESPONSES or previous is None:
        return None
    if isinstance(view.get("prompt_cache_options"), dict):
        return view.apply([Operation(("prompt_cache_options", _COMPARED), "set", identity)])
    return view.apply([Operation(("prompt_cache_options",), "set", b'{"%b":%b}' % (_COMPARED.encode(), identity))])


def diagnosis_of(dialect: Dialect, request: bytes, response: bytes | None) -> Diagnosis | None:
    """What an answer says of its prompt's reuse; None when nothing was compared or nothing can be read.

    Args:
        dialect: the API.
        request: as it was sent.
        response: the plain answer; a stream folded.
    """
    name = _SAYS.get(dialect)
    if name is None or response is None:
        return None
    try:
        said = getattr(_said.decode(response), name)
        if said is None:
            # A null of Anthropic's says that nothing diverged, if something was to be compared; OpenAI names a hit.
            whole = dialect is Dialect.ANTHROPIC_MESSAGES and _compares(request)
            return Diagnosis(outcome="reusable") if whole else None
    except UNREADABLE:
        return None
    return _anthropic(said) if dialect is Dialect.ANTHROPIC_MESSAGES else _openai(said)


def _compares(request: bytes) -> bool:
    asked = _asked.decode(request).diagnostics
    return isinstance(asked, dict) and isinstance(asked.get("previous_message_id"), str)


def _anthropic(said: Any) -> Diagnosis | None:
    if not isinstance(said, dict):
        return None
    reason = said.get("cache_miss_reason")
    if reason is None:
        return Diagnosis(outcome="pending")
    if not isinstance(reason, dict):
        return None
    return _diagnosis(reason.get("type"), reason.get("cache_missed_input_tokens"), None)


def _openai(said: Any) -> Diagnosis | None:
    if not isinstance(said, dict):
        return None
    kind = said.get("type")
    if kind == "cache_hit":
        return Diagnosis(outcome="reusable")
    word = said.get("reason") if kind == "cache_miss" else kind
    return _diagnosis(word, said.get("cache_missed_tokens"), said.get("comparison_reusable_tokens"))


def _diagnosis(word: Any, missed: Any, reusable: Any) -> Diagnosis:
    """By the provider's word; a word that we do not know is kept, if it is one."""
    if word in _NOT_FOUND:
        return Diagnosis(outcome="not_found")
    if word == "unavailable":
        return Diagnosis(outcome="unavailable")
    known = word if isinstance(word, str) and _WORD.fullmatch(word) else "other"
    return Diagnosis(outcome="diverged", reason=known, missed=_count(missed), reusable=_count(reusable))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def undiagnosed(dialect: Dialect, body: bytes, under: tuple[str, ...] = ()) -> bytes:
    """An answer as it reads without having asked for diagnostics; the same bytes when there are none in it.

    Args:
        dialect: the API.
        body: the answer, or the data of one of its events.
        under: where in it the answer stands: ``("message",)`` or ``("response",)`` in events.
    """
    paths: list[tuple[str, ...]] = [(*under, _SAYS[dialect])] if dialect in _SAYS else []
    if dialect is Dialect.OPENAI_RESPONSES:
        paths.append((*under, _ASKS[dialect], _COMPARED))
    for path in paths:
        if b'"%b"' % path[-1].encode() in body:
            try:
                body = _with_null(body, path)
            except (*UNREADABLE, ValueError):
                return body
    return body


def _with_null(body: bytes, path: tuple[str, ...]) -> bytes:
    """The documented value of a member that was not asked for; what is not there is not put there."""
    value = Raw(body)
    for step in path:
        value = (object_of(value) or {}).get(step, ABSENT)
        if not is_given(value):
            return body
    return apply(body, [Operation(path, "set", b"null")])
