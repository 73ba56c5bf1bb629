from __future__ import annotations

from penstock.evidence.template import MOST_LINES, Named, Template, lines_of

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


def test_what_varies_is_named_once_there_is_something_to_compare_and_then_kept() -> None:
    template = Template()
    named = []
    for second in range(12):
        text = _clock(second)
        varying = template.varying(lines_of(text))
        template.add(lines_of(text))
        named.append(template.named(text, varying))
    assert named[:4] == [()] * 4
    clock = (len(rb"Today: 2026-11-20\nCurrent time: "), len(rb"Today: 2026-11-20\nCurrent time: 09:00:00"))
    assert named[4:] == [(Named("clock", *clock),)] * 8
    assert template._versions == []


def test_a_text_with_another_number_of_varying_lines_has_no_names_yet() -> None:
    template = Template()
    first = rb"Time 09:00\nrules"
    assert template.named(first, [(0, 10)]) == ()
    assert template.named(b"Time 09:01\\nUser Ann\\nrules", [(0, 10), (12, 20)]) == ()
    assert template.named(first, []) == ()
