"""OpenAI Responses requests: ``tools``, ``instructions``, ``input`` (provider-semantics 2.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from penstock.wire import openai_prompt
from penstock.wire.chain import (
    Chain,
    Members,
    Place,
    Raw,
    extras_of,
    is_given,
    is_string,
    objects_of,
    text_of,
    texts_of,
)
from penstock.wire.reader import ABSENT, Content, Fields, add_content, add_tools, add_whole
from penstock.wire.segments import Level, Marker, Path, Segment

_MESSAGE = frozenset({"type", "role", "content"})


class ResponsesFields(Fields):
    """The top level of a Responses request."""

    input: Raw = ABSENT
    instructions: Raw = ABSENT
    max_output_tokens: Raw = ABSENT
    text: Raw = ABSENT
    reasoning: Raw = ABSENT
    prompt_cache_options: Raw = ABSENT


_decoder = msgspec.json.Decoder(ResponsesFields)


class OpenAIResponses:
    """Reader of the dialect ``openai.responses``."""

    prompt_fields: ClassVar[frozenset[str]] = frozenset({"tools", "instructions", "input"})
    cap_fields: ClassVar[tuple[str, ...]] = ("max_output_tokens",)
    marker_key: ClassVar[str] = openai_prompt.MARKER_KEY
    text_type: ClassVar[str] = "input_text"

    def decode(self, raw: bytes) -> ResponsesFields:
        """The top level of a body; ``input`` has to be a string, a list of items, or absent."""
        fields = _decoder.decode(raw)
        if is_given(fields.input) and not is_string(fields.input):
            _items.decode(fields.input)
        return fields

    def segments(self, fields: ResponsesFields) -> list[Segment]:
        """Tools, instructions, then each input item."""
        chain = Chain(self.marker_key)
        content = openai_prompt.content_with(fields.prompt_cache_options)
        add_tools(chain, content, "tools", fields.tools, markable=False)
        instructions = Place(level=Level.SYSTEM, role="system", message=-1, path=("instructions",), markable=False)
        add_content(chain, content, instructions, fields.instructions)
        if is_string(fields.input):
            add_content(
                chain, content, Place(level=Level.MESSAGES, role="user", message=0, path=("input",)), fields.input
            )
            return chain.segments
        levels = openai_prompt.Levels()
        for index, item in enumerate(objects_of(fields.input) or ()):
            _add_item(chain, content, levels, index, item)
        return chain.segments

    def message_count(self, fields: ResponsesFields) -> int:
        """How many input items the request has; string input is one."""
        if is_string(fields.input):
            return 1
        return len(objects_of(fields.input) or ())

    def automatic_marker(self, fields: ResponsesFields) -> Marker | None:  # noqa: ARG002 - the reader's signature
        """None: the implicit breakpoint is a mode of the request, not a marker."""
        return None

    def system_text(self, fields: ResponsesFields) -> str:
        """The instructions and the initial system and developer messages, joined by a blank line."""
        texts = list(texts_of(fields.instructions))
        levels = openai_prompt.Levels()
        for item in objects_of(fields.input) or ():
            if levels.of(_role(item)) is Level.MESSAGES:
                break
            texts.extend(texts_of(item.get("content")))
        return "\n\n".join(texts)

    def tool_names(self, fields: ResponsesFields) -> tuple[str, ...]:
        """The names of the tools, in their order; a built-in tool by its type."""
        tools = objects_of(fields.tools) or ()
        return tuple(text_of(tool.get("name")) or text_of(tool.get("type")) for tool in tools)

    def response_schema(self, fields: ResponsesFields) -> Raw | None:
        """``text.format.schema``."""
        try:
            schema = _text.decode(fields.text).format.schema
        except msgspec.MsgspecError:
            return None
        return schema if is_given(schema) else None

    def marker_json(self, marker: Marker) -> bytes:
        """A breakpoint."""
        return openai_prompt.marker_json(marker)

    def wrap_text(self, path: Path, parts: bytes) -> bytes:
        """Parts stand where the string stood; string ``input`` becomes a list of one user message."""
        return b'[{"role":"user","content":' + parts + b"}]" if path == ("input",) else parts


class _Format(msgspec.Struct):
    schema: Raw = ABSENT


class _Text(msgspec.Struct):
    format: _Format


_text = msgspec.json.Decoder(_Text)
_items = msgspec.json.Decoder(list[dict[str, Raw]])


def _role(item: Members) -> str:
    """A message's role; an item of another type is the assistant's or, when it is an output, a tool's."""
    name = text_of(item.get("type"))
    if name in ("", "message"):
        return text_of(item.get("role"))
    return "tool" if name.endswith("_output") else "assistant"


def _kind(item: Members) -> str:
    name = text_of(item.get("type"))
    if name.endswith("_output"):
        return "tool_result"
    if name.endswith("_call"):
        return "tool_use"
    return "thinking" if name == "reasoning" else "other"


def _add_item(chain: Chain, content: Content, levels: openai_prompt.Levels, index: int, item: Members) -> None:
    role = _role(item)
    level = levels.of(role)
    place = Place(level=level, role=role, message=index, path=("input", index))
    if text_of(item.get("type")) in ("", "message") and "content" in item:
        inner = msgspec.structs.replace(
            place,
            path=("input", index, "content"),
            extras=extras_of(item, _MESSAGE),
            markable=role in openai_prompt.INPUT_ROLES,
        )
        if add_content(chain, content, inner, item["content"]):
            return
    add_whole(chain, msgspec.structs.replace(place, kind=_kind(item)), item)
