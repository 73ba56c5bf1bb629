from __future__ import annotations

import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.audit.finding import Finding, Measure, Pool, Verdict, by_size
from penstock.audit.period import Period
from penstock.audit.propose import Proposal, policy_name, propose, toml_of
from penstock.audit.verdict import Floor, Judged
from penstock.money import PICO_PER_USD, Picodollars
from penstock.policy.load import load_policy
from penstock.policy.schema import Match
from penstock.unknown import Unknown
from tests.audit.test_finding import finding

PERIOD = Period(86_400.0)


def judged(verdict: Verdict = Verdict.WORTH) -> Judged:
    return Judged(verdict, "$30.00 a month possible", Picodollars(30), 10.0)


def proposal(
    *findings: Finding, verdict: Verdict = Verdict.WORTH, labelled: bool = True, decided: bool = False
) -> Proposal:
    return propose(findings, {"t": judged(verdict)}, {"t": labelled}, floor=Floor(), decided=decided)


CACHE = finding(9, fix={"cache": {"enabled": True, "ttl": "auto"}})
CAP = finding(5, kind="output_cap", fix={"cap": {"enabled": True}})
MOVED = finding(8, kind="volatile_prefix", title="a clock", opt_in={"cache": {"move_static_up": True}})


def question(usd_month: float | None, title: str, **gated: dict[str, Any]) -> Finding:
    """A question that may save so much a month, with its policy keys."""
    dollars = Unknown("no price") if usd_month is None else Picodollars(int(usd_month * PICO_PER_USD))
    one = finding(1, kind="question", title=title, measure=Measure.QUESTION, pool=Pool.MODEL, gated=gated)
    return msgspec.structs.replace(one, dollars=dollars, dollars_month=dollars)


def small(usd_month: float | None) -> Finding:
    return question(usd_month, "would x do?", gate={"candidate": "claude-haiku-5-5", "judge": "claude-opus-5"})


def chunks(usd_month: float | None) -> Finding:
    return question(usd_month, "would 4,000 do?", trim={"retrieved_tokens": 4000}, gate={"edits": ["trim"]})


def window(usd_month: float | None) -> Finding:
    return question(usd_month, "would a window do?", trim={"window_tokens": 9000}, gate={"edits": ["trim"]})


def brief(usd_month: float | None) -> Finding:
    return question(
        usd_month,
        "would 50 words do?",
        brevity={"instruction": "Answer in at most 50 words."},
        gate={"edits": ["brevity"], "shadow_usd_day": 0.75},
    )


def test_what_is_written_loads_as_the_proposed_policy() -> None:
    made = proposal(CACHE, CAP, MOVED)
    text = made.text(PERIOD)
    assert load_policy(text, "penstock.toml") == made.policy
    assert made.policy.mode == "observe"
    assert made.policy.tasks["t"].cap is not None
    assert '[tasks.t.cache]\nenabled = true\nttl = "auto"\n' in text
    assert "# t: worth it; $30.00 a month possible" in text


def test_what_no_gate_can_test_waits_in_comments_until_decided() -> None:
    made = proposal(CACHE, MOVED)
    assert not made.policy.tasks["t"].cache.move_static_up
    assert "\n# a clock\n[tasks.t.cache]\n" in made.text(PERIOD)
    assert "\n# move_static_up = true\n" in made.text(PERIOD)
    decided = proposal(CACHE, MOVED, decided=True)
    assert decided.policy.tasks["t"].cache.move_static_up
    assert load_policy(decided.text(PERIOD), "p") == decided.policy


def test_a_question_that_could_save_the_floor_is_proposed_behind_the_gate_with_its_dollars() -> None:
    made = proposal(CACHE, chunks(90.0))
    text = made.text(PERIOD)
    task = made.policy.tasks["t"]
    assert task.trim is not None
    assert task.gate is not None
    assert task.gate.edits == ("trim",)
    assert "\n# Behind the gate: would 4,000 do? ($90.00 a month if the gate agrees)\n" in text
    assert '\n[tasks.t.trim]\nretrieved_tokens = 4000\n[tasks.t.gate]\nedits = ["trim"]\n' in text
    assert load_policy(text, "p") == made.policy


def test_a_gate_tests_the_change_that_could_save_most_and_others_of_the_same_edit_with_it() -> None:
    made = proposal(brief(90.0), small(80.0), chunks(70.0))
    gate = made.policy.tasks["t"].gate
    assert gate is not None
    assert (gate.candidate, gate.edits, gate.shadow_usd_day) == (None, ("brevity",), 0.75)
    assert made.policy.tasks["t"].trim is None
    text = made.text(PERIOD)
    assert "\n# Not tested yet: would x do? ($80.00 a month if the gate agrees)\n" in text
    assert "retrieved_tokens" not in text
    both = proposal(chunks(70.0), window(3.0)).policy.tasks["t"].trim
    assert both is not None
    assert (both.retrieved_tokens, both.window_tokens) == (4000, 9000)


def test_under_the_floor_and_without_a_price_gates_are_comments_until_decided() -> None:
    for one in (chunks(5.0), chunks(None)):
        made = proposal(CACHE, one)
        assert made.policy.tasks["t"].gate is None
        assert '# [tasks.t.trim]\n# retrieved_tokens = 4000\n# [tasks.t.gate]\n# edits = ["trim"]\n' in made.text(
            PERIOD
        )
        decided = proposal(CACHE, one, decided=True)
        assert decided.policy.tasks["t"].gate is not None
        assert load_policy(decided.text(PERIOD), "p") == decided.policy
    assert "would 4,000 do? (no price)" in proposal(chunks(None)).text(PERIOD)


@given(
    st.lists(
        st.builds(
            lambda make, usd: make(usd),
            st.sampled_from([small, chunks, window, brief]),
            st.one_of(st.none(), st.floats(0.0, 200.0)),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_no_lossy_edit_is_ever_proposed_outside_the_gate(found: list[Finding], decided: bool) -> None:
    made = proposal(*sorted(found, key=by_size), decided=decided)
    text = made.text(PERIOD)
    bare = [re.sub(r"^# (\[|[a-z_]+ = )", r"\1", line) for line in text.splitlines()]
    for policy in (made.policy, load_policy(text, "p"), load_policy("\n".join(bare), "p")):
        task = policy.task("t")
        tested = () if task.gate is None else task.gate.edits
        assert task.route is None
        assert task.trim is None or "trim" in tested
        assert task.brevity is None or "brevity" in tested


def test_a_task_that_is_not_worth_it_gets_no_section() -> None:
    made = proposal(CACHE, MOVED, small(90.0), verdict=Verdict.NOT_WORTH)
    assert made.policy.tasks == {}
    assert made.waiting == made.gated == ()
    assert "# t: not worth it" in made.text(PERIOD)


def test_a_task_without_a_label_is_recognised_by_its_fingerprint() -> None:
    one = finding(9, task="0123456789abcdef", fix={"cache": {"enabled": True}})
    made = propose([one], {one.task: judged()}, {one.task: False}, floor=Floor())
    assert made.policy.tasks["task-01234567"].match == Match(fingerprint=one.task)
    assert load_policy(made.text(PERIOD), "p") == made.policy


def test_a_task_of_several_near_duplicate_prompts_is_recognised_by_each_of_them() -> None:
    one = finding(9, task="0123456789abcdef", fix={"cache": {"enabled": True}})
    members = {one.task: [one.task, "fedcba9876543210"], "other": ["other"]}
    made = propose([one], {one.task: judged()}, {one.task: False}, floor=Floor(), members=members)
    assert made.policy.tasks["task-01234567"].match == Match(fingerprint=(one.task, "fedcba9876543210"))
    assert load_policy(made.text(PERIOD), "p") == made.policy


def test_the_largest_finding_decides_a_key_and_the_floor_is_kept() -> None:
    larger = finding(9, fix={"cache": {"ttl": "1h"}})
    made = propose([larger, CACHE], {"t": judged()}, {"t": True}, floor=Floor(55.0, 7))
    assert made.policy.tasks["t"].cache.ttl == "1h"
    assert (made.policy.audit.floor_usd_month, made.policy.audit.floor_calls_day) == (55.0, 7)


def test_labels_cannot_break_out_of_the_file() -> None:
    name = 'a"b\\c\nmode = "apply"\u2028x'
    one = finding(
        9,
        task=name,
        title=f"title {name}",
        fix={"cache": {"stabilise": True}},
        opt_in={"cache": {"move_static_up": True}},
    )
    made = propose([one], {name: judged()}, {name: True}, floor=Floor())
    loaded = load_policy(made.text(PERIOD), "p")
    assert loaded == made.policy
    assert loaded.mode == "observe"
    assert loaded.tasks[name].cache.stabilise


def test_uncommenting_what_waits_gives_a_policy_that_loads() -> None:
    moved = finding(9, fix={"cache": {"stabilise": True}}, opt_in={"cache": {"move_static_up": True}})
    lines = proposal(moved, small(5.0)).text(PERIOD).splitlines()
    decided = [
        line.removeprefix("# ") if line.startswith(("# [", "# move", "# candidate", "# judge")) else line
        for line in lines
    ]
    loaded = load_policy("\n".join(decided), "p").tasks["t"]
    assert loaded.cache.move_static_up
    assert loaded.gate is not None


def test_names_and_values_as_toml() -> None:
    assert policy_name("label", labelled=True) == "label"
    assert list(toml_of("my task", {"cap": {"enabled": False, "max_output": 5}}, {"cap": {"output": "label"}})) == [
        '[tasks."my task".cap]',
        "enabled = false",
        "max_output = 5",
        '# output = "label"',
    ]
