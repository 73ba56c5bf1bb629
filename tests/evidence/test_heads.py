from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.heads import SMALLEST, Heads, places_of


def _prose(seed: object, words: int) -> bytes:
    rng = Random(str(seed))
    return b" ".join(b"%x" % rng.getrandbits(40) for _ in range(words)) + rb"\n"


def _learn(heads: Heads, text: bytes) -> tuple[int, ...]:
    places = places_of(text, 1)
    cuts = heads.cuts(places)
    heads.add(places)
    return cuts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", " ", "\n", "\\", '"', "é", "n", "long word " * 9]), max_size=120), st.data())
def test_places_depend_only_on_what_stands_before_them(parts: list[str], data: st.DataObject) -> None:
    text = msgspec.json.encode("".join(parts))[1:-1]
    places = places_of(text, 7)
    end = data.draw(st.integers(0, len(text)))
    shorter = places_of(text[:end] + b" other text " * 30, 7)
    assert [place for place in places if place[0] < end] == [place for place in shorter if place[0] < end]
    for offset, _ in places:
        pieces = [msgspec.json.decode(b'"%b"' % piece, type=str) for piece in (text[:offset], text[offset:])]
        assert "".join(pieces) == "".join(parts)


def test_texts_that_begin_alike_are_cut_where_they_part() -> None:
    heads = Heads()
    vacancy = _prose("vacancy", 400)
    cuts = [_learn(heads, vacancy + _prose(number, 200)) for number in range(6)]
    assert cuts[:3] == [(), (), ()]
    assert len(set(cuts[3:])) == 1
    assert len(vacancy) - 2 * len(vacancy) // 64 - 256 < cuts[3][-1] <= len(vacancy)


def test_a_later_find_never_moves_an_earlier_cut() -> None:
    heads = Heads()
    rules = _prose("rules", 300)
    first, second = rules + _prose("one", 300), rules + _prose("two", 300)
    decided = [_learn(heads, first + _prose(number, 100)) for number in range(4)][-1]
    other = [_learn(heads, second + _prose(-number, 100)) for number in range(1, 6)][-1]
    assert len(other) == 2
    assert other[0] <= len(rules)
    assert _learn(heads, first + _prose("new", 100)) == decided


def test_a_text_that_only_grows_and_texts_that_share_nothing_are_left_whole() -> None:
    heads = Heads()
    text = b""
    for number in range(12):
        text += _prose(number, 60)
        assert _learn(heads, text) == ()
    assert all(_learn(heads, _prose(f"other {number}", 200)) == () for number in range(12))


def test_short_beginnings_are_not_cut_off() -> None:
    heads = Heads()
    for number in range(8):
        cuts = _learn(heads, b"Label the mail. " * 20 + _prose(number, 200))
        assert all(cut >= SMALLEST for cut in cuts)
        assert cuts == ()
