"""OpenAI Responses requests: ``tools``, ``instructions``, ``input`` (provider-semantics 2.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from penstock.wire import openai_prompt
from penstock.wire.chain import Chain, Place, extras_of
from penstock.wire.dialect import Dialect
from penstock.wire.outline import Frame
from penstock.wire.raw import ABSENT, Members, Raw, is_given, object_of, objects_of, text_of, texts_of
from penstock.wire.reader import Fields, add_content, add_tools, add_unknown, add_whole
from penstock.wire.segments import Level, Marker, Path

_MESSAGE = frozenset({"type", "role", "content"})
_OUTPUT = frozenset({"output"})


class ResponsesFields(Fields):
    """The top level of a Responses request."""

    input: str | list[Raw] | None = None
    raw_input: Raw = msgspec.field(default=ABSENT, name="penstock:text-input")  # set by `decode`, never by a body
    instructions: Raw = ABSENT


class _TextInput(msgspec.Struct):
    input: Raw


_decoder = msgspec.json.Decoder(ResponsesFields)
_text_input = msgspec.json.Decoder(_TextInput)


class OpenAIResponses:
    """Reader of the dialect ``openai.responses``."""

    prompt_fields: ClassVar[frozenset[str]] = frozenset({"tools", "instructions", "input"})
    cap_fields: ClassVar[tuple[str, ...]] = ("max_output_tokens",)
    marker_key: ClassVar[str] = openai_prompt.MARKER_KEY
    text_type: ClassVar[str] = "input_text"

    def decode(self, raw: bytes) -> ResponsesFields:
        """The top level of a body; ``input`` is a string, a list of items, or absent."""
        fields = _decoder.decode(raw)
        fields.raw_input = ABSENT
        if isinstance(fields.input, str):
            fields.raw_input = _text_input.decode(raw).input
        return fields

    def frame(self, fields: ResponsesFields) -> Frame:
        """Tools, instructions, then each input item."""
        ttl = openai_prompt.default_ttl(fields.prompt_cache_options)
        head = ((b"tools", _add_tools, fields.tools), (b"instructions", _add_instructions, fields.instructions))
        build = _add_text_input if isinstance(fields.input, str) else _add_item
        content = openai_prompt.content_with(Dialect.OPENAI_RESPONSES, ttl)
        return Frame(content, [one for one in head if is_given(one[2])], self.messages(fields)[1], build)

    def messages(self, fields: ResponsesFields) -> tuple[str, list[Raw]]:
        """The input items; string input is one."""
        if isinstance(fields.input, list):
            return "input", fields.input
        return "input", [] if fields.input is None else [fields.raw_input]

    def automatic_marker(self, fields: ResponsesFields) -> Marker | None:  # noqa: ARG002 - the reader's signature
        """None: the implicit breakpoint is a mode of the request, not a marker."""
        return None

    def system_text(self, fields: ResponsesFields) -> str:
        """The instructions and the initial system and developer messages, joined by a blank line."""
        texts = list(texts_of(fields.instructions))
        for item in fields.input if isinstance(fields.input, list) else ():
            members = object_of(item) or {}
            if _role(members) not in openai_prompt.SYSTEM_ROLES:
                break
            texts.extend(texts_of(members.get("content")))
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


def _add_tools(chain: Chain, value: Raw, message: int) -> None:  # noqa: ARG001 - the signature of ``Build``
    add_tools(chain, "tools", value, markable=False)


def _add_instructions(chain: Chain, value: Raw, message: int) -> None:
    place = Place(level=Level.SYSTEM, role="system", message=message, path=("instructions",), markable=False)
    add_content(chain, place, value)


def _add_text_input(chain: Chain, value: Raw, message: int) -> None:
    chain.initial = False
    add_content(chain, Place(level=Level.MESSAGES, role="user", message=message, path=("input",)), value)


def _add_item(chain: Chain, value: Raw, index: int) -> None:
    item = object_of(value)
    if item is None:
        add_unknown(chain, openai_prompt.level_of(chain, ""), ("input", index), index, value)
        return
    role = _role(item)
    place = Place(level=openai_prompt.level_of(chain, role), role=role, message=index, path=("input", index))
    if text_of(item.get("type")) in ("", "message") and "content" in item:
        inner = msgspec.structs.replace(
            place,
            path=("input", index, "content"),
            extras=extras_of(item, _MESSAGE),
            markable=role in openai_prompt.INPUT_ROLES,
        )
        if add_content(chain, inner, item["content"]):
            return
    kind = _kind(item)
    if kind == "tool_result" and "output" in item:
        extras = extras_of(item, _OUTPUT)
        inner = Place(place.level, role, index, ("input", index, "output"), extras, markable=False, kind=kind)
        if add_content(chain, inner, item["output"]):
            return
    add_whole(chain, msgspec.structs.replace(place, kind=kind), item)
