from __future__ import annotations

from penstock.gateway.heads import MOST_BYTES, Heads
from penstock.gateway.keys import KeyRing
from penstock.policy.serving import VirtualKey

RING = KeyRing({"search": VirtualKey(key="env:A", team="web")}, {"A": "pk-search"})
LINES = [
    (b"host", b"x"),
    (b"content-length", b"7"),
    (b"authorization", b"Bearer pk-search"),
    (b"x-penstock-task", b"t"),
]


def with_length(length: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, length if name == b"content-length" else value) for name, value in LINES]


def test_a_head_that_was_seen_before_is_the_same_but_for_its_length() -> None:
    heads = Heads(RING)
    first, holder = heads.read(LINES)
    second, again = heads.read(with_length(b"8"))
    assert (first.length, second.length) == (7, 8)
    assert first.forwarded == second.forwarded == [(b"authorization", b"Bearer pk-search")]
    assert first.labels.task == second.labels.task == "t"
    assert holder is again
    assert holder is not None
    assert holder.name == "search"
    assert len(heads) == 1


def test_a_body_without_a_length_has_none() -> None:
    heads = Heads(RING)
    heads.read(LINES)
    assert heads.read([line for line in LINES if line[0] != b"content-length"])[0].length is None
    assert heads.read(with_length(b"+7"))[0].length is None


def test_what_one_request_does_to_its_head_does_not_reach_the_next() -> None:
    heads = Heads(RING)
    first, _ = heads.read(LINES)
    first.forwarded = []
    first.observed = True
    second, _ = heads.read(LINES)
    assert second.forwarded
    assert not second.observed


def test_a_head_with_one_other_byte_is_another() -> None:
    heads = Heads(RING)
    heads.read(LINES)
    other = [(name, value.replace(b"pk-search", b"pk-searcH")) for name, value in LINES]
    assert heads.read(other)[1] is None
    assert heads.read(LINES)[1] is not None


def test_heads_of_strangers_and_large_heads_are_not_kept() -> None:
    heads = Heads(RING)
    assert heads.read([(b"authorization", b"Bearer guess")])[1] is None
    assert heads.read([*LINES, (b"x-large", b"x" * MOST_BYTES)])[1] is not None
    assert len(heads) == 0


def test_memory_is_bounded() -> None:
    heads = Heads(KeyRing({}, {}), most=5)
    for number in range(50):
        asked, _ = heads.read([(b"x-request", b"%d" % number)])
        assert asked.forwarded == [(b"x-request", b"%d" % number)]
        assert len(heads) <= 5
