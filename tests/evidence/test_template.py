from __future__ import annotations

from penstock.evidence.template import MOST_LINES, Template, lines_of

RULES = rb"\n".join(b"Rule %d: answer in JSON and keep to the passages." % number for number in range(20))


def _learn(template: Template, text: bytes) -> tuple[bytes, ...]:
    lines = lines_of(text)
    varying = template.varying(lines)
    template.add(lines)
    return tuple(text[start:end] for start, end in varying)


def _clock(second: int, date: int = 20) -> bytes:
    return rb"Today: 2026-11-%02d\nCurrent time: 09:00:%02d\n" % (date, second) + RULES


def test_lines_are_parted_at_line_ends_and_not_at_escaped_backslashes() -> None:
    text = rb"one\\n still one\n two\\\nthree\n"
    assert [text[line.start : line.end] for line in lines_of(text)] == [rb"one\\n still one", rb" two\\", b"three", b""]


def test_t6_a_clock_above_the_rules_is_found_after_three_texts_and_then_always() -> None:
    template = Template()
    found = [_learn(template, _clock(second)) for second in range(8)]
    assert found[:3] == [(), (), ()]
    assert found[3:] == [(b"Current time: 09:00:%02d" % second,) for second in range(3, 8)]


def test_t6_a_date_that_turned_is_varying_from_then_on_and_never_static_again() -> None:
    template = Template()
    for second in range(5):
        _learn(template, _clock(second))
    turning = [_learn(template, _clock(second, 21)) for second in range(10, 16)]
    assert turning[:3] == [(), (), ()]
    assert turning[-1] == (b"Today: 2026-11-21", b"Current time: 09:00:15")
    assert _learn(template, _clock(17, 20)) == (b"Today: 2026-11-20", b"Current time: 09:00:17")


def test_varying_lines_below_all_static_ones_stay() -> None:
    template = Template()
    assert {_learn(template, RULES + rb"\nToday: %d" % number) for number in range(6)} == {()}


def test_content_is_not_a_varying_line() -> None:
    template = Template()
    many = rb"\n".join(b"v%d %%d" % number for number in range(MOST_LINES + 1)) + rb"\n" + RULES * 3
    assert {_learn(template, many % ((number,) * (MOST_LINES + 1))) for number in range(6)} == {()}
    different = Template()
    assert {_learn(different, rb"\n".join(b"%d %d" % (n, k) for k in range(30))) for n in range(6)} == {()}
