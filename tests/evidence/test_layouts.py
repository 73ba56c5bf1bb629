from __future__ import annotations

import json
from random import Random
from typing import Any

from penstock.evidence.layouts import WHOLE, Layouts, text_span, texts_of
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.wire.requests import view_of


def _prose(seed: object, words: int = 400) -> str:
    rng = Random(str(seed))
    return " ".join(f"{rng.getrandbits(40):x}" for _ in range(words))


def _view(*texts: Any, system: str = "Be brief.") -> View:
    messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "system": system, "messages": messages}
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())


def _layout(layouts: Layouts, view: View, task: str = "cv") -> Any:
    layouts.observe(task, view)
    return [layouts.of(task, segment) for segment in texts_of(view)][-1]


def test_long_texts_of_users_and_system_are_laid_out_and_no_others() -> None:
    view = _view(_prose(1), _prose(2), "short", system=_prose(3))
    assert [segment.path for segment in texts_of(view)] == [("system",), ("messages", 0, "content")]


def test_a_texts_span_is_without_its_quotes_as_string_and_as_part() -> None:
    for content in ("é" + _prose(1), [{"type": "text", "text": "é" + _prose(1)}]):
        view = _view(content)
        (segment,) = texts_of(view)
        start, end = text_span(view, segment)
        assert json.loads(b'"%b"' % view.raw[start:end]) == "é" + _prose(1)


def test_t7_a_text_keeps_the_layout_of_its_first_sight_whatever_is_learnt_later() -> None:
    layouts = Layouts()
    vacancy = _prose("vacancy")
    first = _view(vacancy + _prose("a"))
    assert _layout(layouts, first) == WHOLE
    for number in range(5):
        later = _layout(layouts, _view(vacancy + _prose(number)))
    assert later.cuts
    assert _layout(layouts, first) == WHOLE
    assert _layout(layouts, _view(vacancy + _prose(4), "An answer.", "Go on.")) == later


def test_tasks_do_not_learn_from_each_other_and_nothing_unseen_is_laid_out() -> None:
    layouts = Layouts()
    view = _view(_prose("vacancy") + _prose("new"))
    for number in range(6):
        layouts.observe("cv", _view(_prose("vacancy") + _prose(number)))
    (segment,) = texts_of(view)
    assert layouts.of("cv", segment) == WHOLE
    assert _layout(layouts, view, "other") == WHOLE
    assert _layout(layouts, view).cuts


def test_a_varying_line_above_the_rules_of_the_system_prompt_is_found() -> None:
    layouts = Layouts()
    rules = "\n".join(_prose(number, 12) for number in range(20))
    for second in range(5):
        layouts.observe("mail", _view("Hi.", system=f"Current time: 09:00:0{second}\n{rules}"))
    view = _view("Hi.", system=f"Current time: 09:00:09\n{rules}")
    layout = _layout(layouts, view, "mail")
    assert layout.varying == ((0, len("Current time: 09:00:09")),)


def test_a_conversation_is_laid_out_once_whatever_is_learnt_later_and_however_long_it_grows() -> None:
    layouts = Layouts()
    shared, own = _prose("shared head"), _prose("own")
    for number in range(4):
        layouts.observe("cv", _view(shared + _prose(str(number))))
    talk = [{"role": "user", "content": shared + own}]
    first = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "system": "Be brief.", "messages": talk})
    layouts.observe("cv", first)
    before = layouts.laid("cv", first)
    assert [position for position, _ in before] == [1]
    layouts._decided.clear()
    for number in range(6):
        talk += [{"role": "assistant", "content": "ok"}, {"role": "user", "content": _prose(f"turn {number}")}]
        view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "system": "Be brief.", "messages": talk})
        layouts.observe("cv", view)
        assert layouts.laid("cv", view)[:1] == before
    assert layouts.laid("other task", view) == ()


def test_what_is_laid_out_text_by_text_is_what_was_decided() -> None:
    layouts = Layouts()
    shared = _prose("shared head")
    views = [_view(shared + _prose(str(number)), system=_prose("system")) for number in range(6)]
    for view in views:
        layouts.observe("cv", view)
        each = [(at, layouts.of("cv", segment)) for at, segment in enumerate(view.segments)]
        assert layouts.laid("cv", view) == tuple(pair for pair in each if pair[1] is not WHOLE)
