"""JSON in all its formatting: odd spaces, escapes, repeated keys, numbers that no float holds, with known offsets."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from penstock.wire.segments import Path

_SPACE = st.sampled_from(["", "", "", " ", "  ", "\n", "\t", "\r\n "])
_SCALARS = st.sampled_from(
    [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "7",
        "1e2",
        "1E+05",
        "-0.10",
        "3.1400",
        "123456789012345678901234567890",
        "-18446744073709551616",
        '""',
        '"[{,]}:\\""',
        '"\\\\"',
        '"\\\\\\""',
        '"\\u0041\\/\\b\\n"',
        '"\\ud83d\\ude00"',
        '"é😀"',
        '"a, b] c} \\u005d"',
    ]
)
_TEXTS = st.builds(
    lambda text, ascii_only: json.dumps(text, ensure_ascii=ascii_only),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.booleans(),
)
_KEYS = st.sampled_from(['"a"', '"b"', '"c"', '"\\u0061"', '"é"', '""', '"k\\"]}"', '"long key"', '"0"'])


class Node(NamedTuple):
    """A JSON value with its formatting: a scalar's text, or the entries of an array (no keys) or object.

    An entry is (space, key, space, space, value, space); ``inner`` is the space inside an empty container.
    """

    kind: str
    text: str = ""
    entries: tuple[tuple[str, str, str, str, Any, str], ...] = ()
    inner: str = ""


def _containers(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    element = st.tuples(_SPACE, st.just(""), st.just(""), st.just(""), children, _SPACE)
    member = st.tuples(_SPACE, _KEYS, _SPACE, _SPACE, children, _SPACE)
    return st.one_of(
        st.builds(
            lambda entries, inner: Node("array", "", tuple(entries), inner), st.lists(element, max_size=5), _SPACE
        ),
        st.builds(
            lambda entries, inner: Node("object", "", tuple(entries), inner), st.lists(member, max_size=5), _SPACE
        ),
    )


NODES = st.recursive(
    st.builds(lambda text: Node("scalar", text), st.one_of(_SCALARS, _TEXTS)), _containers, max_leaves=25
)
CONTAINERS = _containers(NODES)


def render(node: Node, before: str = "", after: str = "") -> tuple[bytes, dict[Path, tuple[int, int]]]:
    """The text, and the span of every place in it (of a repeated key the last one)."""
    out = bytearray(before.encode())
    spans: dict[Path, tuple[int, int]] = {}
    _render(node, (), out, spans)
    return bytes(out) + after.encode(), spans


def _render(node: Node, path: Path, out: bytearray, spans: dict[Path, tuple[int, int]]) -> None:
    for known in [known for known in spans if known[: len(path)] == path]:
        del spans[known]  # an earlier value under the same key does not count
    start = len(out)
    if node.kind == "scalar":
        out += node.text.encode()
    else:
        opening, closing = (b"[", b"]") if node.kind == "array" else (b"{", b"}")
        out += opening
        if not node.entries:
            out += node.inner.encode()
        for index, (before, key, after_key, before_value, value, after) in enumerate(node.entries):
            out += b"," * (index > 0) + before.encode()
            step: str | int = index
            if node.kind == "object":
                out += f"{key}{after_key}:{before_value}".encode()
                step = json.loads(key)
            _render(value, (*path, step), out, spans)
            out += after.encode()
        out += closing
    spans[path] = (start, len(out))


DOCUMENTS = st.builds(render, CONTAINERS, _SPACE, _SPACE)
"""(text, spans) of an object or array with space around it."""
