"""From a request body and a response body to one recorded call: which API it was, its usage, its ids, its oddities."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from penstock.audit.importers.record import decoded, fields_of, time_of
from penstock.audit.reading import Skipped
from penstock.wire.dialect import Dialect, dialect_of_path
from penstock.wire.fold import Fold
from penstock.wire.recorded import RecordedCall
from penstock.wire.sse import EventStream
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_from_object, usage_of

OTHER_API = "a call of an API that is not read (embeddings, images, audio, ...)"
NO_BODIES = "neither a request nor a response"
REQUEST_BROKEN = "the request is not a JSON object"

_PROVIDERS = {"anthropic": Dialect.ANTHROPIC_MESSAGES}
_ANTHROPIC_ONLY = frozenset({"system", "stop_sequences", "thinking", "anthropic_version", "anthropic_beta", "top_k"})
_CHAT_ONLY = frozenset(
    {"response_format", "frequency_penalty", "presence_penalty", "max_completion_tokens", "n", "logprobs", "seed"}
    | {"functions", "reasoning_effort", "prompt_cache_key", "prompt_cache_options", "stream_options"}
)


class Bodies(msgspec.Struct, kw_only=True):
    """The two bodies of one call as JSON objects, whatever they were wrapped in.

    Attributes:
        request: bytes of the request's object, or None.
        response: bytes of the response's object (a stream folded), or None.
        asked: the request's top-level fields.
        answered: the response's top-level fields.
        stream: whether the response was written as a stream of events.
    """

    request: bytes | None
    response: bytes | None
    asked: Mapping[str, msgspec.Raw]
    answered: Mapping[str, msgspec.Raw]
    stream: bool = False


def open_bodies(
    request: bytes | None, response: bytes | None, dialect: Dialect | None, source: str
) -> tuple[Bodies, Dialect | None] | Skipped:
    """Unwrap a request and a response and find their API.

    Both may be objects, or strings that hold an object; a response may be the text of a server-sent event stream.
    """
    request_object = _inner(request)
    asked = fields_of(request_object) if request_object is not None else {}
    if asked is None:
        return Skipped(REQUEST_BROKEN, source)
    inner = _inner(response)
    answered = fields_of(inner) if inner is not None else {}
    stream = False
    if answered is None:
        dialect = dialect or dialect_of_request(asked)
        inner = _folded(inner, dialect)
        answered = (fields_of(inner) if inner is not None else None) or {}
        stream = inner is not None
    if not asked and not answered:
        return Skipped(NO_BODIES, source)
    if _other_api(answered):
        return Skipped(OTHER_API, source)
    bodies = Bodies(
        request=request_object if asked else None,
        response=inner if answered else None,
        asked=asked,
        answered=answered,
        stream=stream or _word(asked, "stream") is True,
    )
    return bodies, dialect or dialect_of_response(answered) or dialect_of_request(asked)


def assemble(bodies: Bodies, dialect: Dialect | None, *, source: str, logged: bytes | None = None) -> RecordedCall:
    """The call that two bodies describe; times, tags and status are the importer's to fill in.

    The usage is the response body's; only a body without one lets the log's own ``usage`` column count
    (log-formats, rule 1).

    Args:
        bodies: what `open_bodies` found.
        dialect: its API; without one no usage can be read.
        source: file and line.
        logged: the log's own usage object, when it has one.
    """
    usage = usage_of(dialect, bodies.response) if dialect is not None and bodies.response is not None else None
    if usage is None and dialect is not None and logged is not None:
        column = decoded(logged)
        usage = usage_from_object(dialect, column) if isinstance(column, dict) and column else None
    return RecordedCall(
        ts=None,
        dialect=dialect,
        model=_text(bodies.answered, "model") or _text(bodies.asked, "model") or "",
        request=bodies.request,
        response=bodies.response,
        usage=usage,
        response_id=_text(bodies.answered, "id"),
        stream=bodies.stream,
        source=source,
    )


def usage_differs(dialect: Dialect | None, usage: Usage | None, logged: bytes | None) -> bool:
    """Whether the log's usage column and the usage that counts disagree on the prompt or the output."""
    column = decoded(logged) if logged is not None else None
    if dialect is None or usage is None or not isinstance(column, dict) or not column:
        return False
    other = usage_from_object(dialect, column)
    return (other.input_total, other.output) != (usage.input_total, usage.output)


def answered_at(bodies: Bodies) -> float | None:
    """When the provider says that it answered (``created``, ``created_at``), whole seconds; None if it does not."""
    for key in ("created", "created_at"):
        moment = time_of(_word(bodies.answered, key))
        if moment is not None:
            return moment
    return None


def dialect_of_name(api: str | None, provider: str | None, url: str | None) -> Dialect | None:
    """The dialect that a log names: by its own word, by the URL, or by a provider that has only one."""
    for word in (api, url):
        if not word:
            continue
        try:
            return Dialect(word)
        except ValueError:
            found = dialect_of_path(word.partition("?")[0])
            if found is not None:
                return found
            for dialect in Dialect:
                if word.partition("?")[0].rstrip("/").endswith(dialect.path):
                    return dialect
    return _PROVIDERS.get((provider or "").lower())


def dialect_of_response(answered: Mapping[str, msgspec.Raw]) -> Dialect | None:
    """The dialect that a response body shows by its ``object`` or ``type``."""
    kind = _word(answered, "object")
    if kind in ("chat.completion", "chat.completion.chunk"):
        return Dialect.OPENAI_CHAT
    if kind == "response":
        return Dialect.OPENAI_RESPONSES
    if _word(answered, "type") == "message" or ("request_id" in answered and _word(answered, "type") == "error"):
        return Dialect.ANTHROPIC_MESSAGES
    return Dialect.OPENAI_CHAT if "choices" in answered else None


def dialect_of_request(asked: Mapping[str, msgspec.Raw]) -> Dialect | None:
    """The dialect that only one API's fields or model names allow; None when more than one would take the body."""
    if "messages" not in asked:
        return Dialect.OPENAI_RESPONSES if "input" in asked or "instructions" in asked else None
    if not _CHAT_ONLY.isdisjoint(asked):
        return Dialect.OPENAI_CHAT
    if not _ANTHROPIC_ONLY.isdisjoint(asked):
        return Dialect.ANTHROPIC_MESSAGES
    model = (_text(asked, "model") or "").rpartition("/")[2]
    if "claude" in model:
        return Dialect.ANTHROPIC_MESSAGES if "max_tokens" in asked else None
    return Dialect.OPENAI_CHAT if model.startswith(("gpt-", "chatgpt-", "o1", "o3", "o4", "ft:gpt-")) else None


def _inner(body: bytes | None) -> bytes | None:
    """The body, or what a JSON string holds when the body is one."""
    if body is None or not body.startswith(b'"'):
        return body
    text = decoded(body)
    return text.strip().encode("utf-8", "replace") if isinstance(text, str) and text.strip() else None


def _folded(text: bytes | None, dialect: Dialect | None) -> bytes | None:
    """The plain response body of an event stream's text; None when it is no stream."""
    if text is None or dialect is None or not text.lstrip().startswith((b"data:", b"event:", b":")):
        return None
    stream, fold = EventStream(), Fold(dialect)
    for event in (*stream.feed(text), *stream.close()):
        fold.add(event)
    return fold.body()


def _other_api(answered: Mapping[str, msgspec.Raw]) -> bool:
    return _word(answered, "object") in ("list", "embedding", "text_completion") or (
        "data" in answered and "usage" in answered and "choices" not in answered
    )


def _word(fields: Mapping[str, msgspec.Raw], key: str) -> object:
    raw = fields.get(key)
    return None if raw is None else decoded(raw)


def _text(fields: Mapping[str, msgspec.Raw], key: str) -> str | None:
    value = _word(fields, key)
    return value if isinstance(value, str) and value else None
