"""Folding an OpenAI Chat Completions stream (provider-semantics 2.8).

Each chunk repeats the call's id and model and carries a delta per choice. Strings of a delta are appended, tool calls
grow by their index, anything else replaces what came before. The usage comes in a last chunk without choices, and only
when it was asked for. The answer is whole when every choice has its finish reason, or at ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.wire.answer import finish_of
from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError, read_error
from penstock.wire.folding import Pieces, Template, data_of, index_of, write
from penstock.wire.sse import Event
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_of

_DONE = b"[DONE]"
_NOT_COPIED = frozenset({"choices", "object", "obfuscation"})
_REPLACED = frozenset({"role", "id", "type", "index"})


class _Growing:
    """An object whose members arrive in pieces: a message, a tool call, a function."""

    __slots__ = ("calls", "inner", "pieces", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.pieces: dict[str, Pieces] = {}
        self.inner: dict[str, _Growing] = {}
        self.calls: dict[int, _Growing] = {}

    def add(self, delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls" and isinstance(value, list):
                self.values.setdefault(name, None)
                self._add_calls(value)
            elif isinstance(value, str) and name not in _REPLACED:
                self.values.setdefault(name, None)
                self.pieces.setdefault(name, Pieces()).add(name, value)
            elif isinstance(value, dict):
                self.values.setdefault(name, None)
                self.inner.setdefault(name, _Growing()).add(value)
            elif value is not None or name not in self.values:
                self._put(name, value)

    def body(self) -> dict[str, Any]:
        body = dict(self.values)
        for name, pieces in self.pieces.items():
            body[name] = pieces.text(name)
        for name, inner in self.inner.items():
            body[name] = inner.body()
        if self.calls:
            body["tool_calls"] = [self.calls[index].body() for index in sorted(self.calls)]
        return body

    def _put(self, name: str, value: Any) -> None:
        held = self.values.get(name)
        self.values[name] = [*held, *value] if isinstance(held, list) and isinstance(value, list) else value

    def _add_calls(self, fragments: list[Any]) -> None:
        for fragment in fragments:
            index = index_of(fragment) if isinstance(fragment, dict) else None
            if index is not None:
                rest = {name: value for name, value in fragment.items() if name != "index"}
                self.calls.setdefault(index, _Growing()).add(rest)


class _Choice:
    """One choice of the answer."""

    __slots__ = ("logprobs", "message", "rest")

    def __init__(self) -> None:
        self.message = _Growing()
        self.logprobs = _Growing()
        self.rest: dict[str, Any] = {"finish_reason": None}

    def add(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "delta":
                if isinstance(value, dict):
                    self.message.add(value)
            elif name == "logprobs" and isinstance(value, dict):
                self.logprobs.add(value)
                self.rest.setdefault(name, None)
            elif value is not None or name not in self.rest:
                self.rest[name] = value

    def body(self, index: int) -> dict[str, Any]:
        logprobs = {"logprobs": self.logprobs.body()} if self.logprobs.values else {}
        return {**self.rest, "index": index, "message": self.message.body(), **logprobs}


class ChatFold:
    """Folds the dialect ``openai.chat``."""

    def __init__(self) -> None:
        self.first_content_seen = False
        self.error: ProviderError | None = None
        self._done = False
        self._head: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._template = Template()
        self._growing: Pieces | None = None

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end; the usage may still be missing if the stream was cut after it."""
        choices = self._choices.values()
        return self._done or (bool(choices) and all(choice.rest["finish_reason"] is not None for choice in choices))

    def add_all(self, events: Sequence[Event]) -> None:
        """Take the next events."""
        at = 0
        while at < len(events):
            text, at = self._template.run(events, at)
            if text and self._growing is not None:
                self._growing.add("content", text)
                self.first_content_seen = True
            if at < len(events):
                self._template.forget()
                self._add(events[at])
                at += 1

    def _add(self, event: Event) -> None:
        if event.data.strip() == _DONE:
            self._done = True
            return
        data = data_of(event)
        if data is None:
            return
        if data.get("error"):
            self.error = read_error(data) or ProviderError(kind="", message="")
            return
        choices = data.get("choices")
        if not isinstance(choices, list):
            return
        for name, value in data.items():
            if name not in _NOT_COPIED and (value is not None or name not in self._head):
                self._head[name] = value
        for choice in choices:
            index = index_of(choice) if isinstance(choice, dict) else None
            if index is not None:
                grown = self._choices.setdefault(index, _Choice())
                grown.add(choice)
                self._note_content(choice.get("delta"))
                text = _only_text(choice) if len(choices) == 1 else None
                if text is not None:
                    self._growing = grown.message.pieces["content"]
                    self._template.learn(event.data, "content", text)

    def body(self) -> bytes:
        """The completion so far."""
        if not self._head:
            return b"{}"
        choices = [self._choices[index].body(index) for index in sorted(self._choices)]
        body = {**self._head, "object": "chat.completion", "choices": choices}
        if body.get("usage") is None:
            body.pop("usage", None)
        return write(body)

    def usage(self) -> Usage | None:
        """From the chunk that carried it."""
        return usage_of(Dialect.OPENAI_CHAT, self._head)

    def finish(self) -> str | None:
        """From the first choice's finish reason."""
        if not self._choices:
            return None
        reason = self._choices[min(self._choices)].rest["finish_reason"]
        return finish_of(reason) if isinstance(reason, str) else None

    def _note_content(self, delta: Any) -> None:
        if isinstance(delta, dict):
            said = any(value for name, value in delta.items() if name != "role")
            self.first_content_seen = self.first_content_seen or said


def _only_text(choice: dict[str, Any]) -> str | None:
    """The text of a choice that, taken again, would change nothing else; None for any other."""
    delta = choice.get("delta")
    if not isinstance(delta, dict) or list(delta) != ["content"] or isinstance(choice.get("logprobs"), dict):
        return None
    text = delta["content"]
    return text if isinstance(text, str) else None
