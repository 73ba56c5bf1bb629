from __future__ import annotations

from penstock.audit.finding import Finding, Verdict
from penstock.audit.period import Period
from penstock.audit.propose import Proposal, policy_name, propose, toml_of
from penstock.audit.verdict import Floor, Judged
from penstock.money import Picodollars
from penstock.policy.load import load_policy
from penstock.policy.schema import Match
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
SMALL = finding(
    8, kind="small_model", title="would x do?", opt_in={"route": {"enabled": True, "model": "claude-haiku-5-5"}}
)


def test_what_is_written_loads_as_the_proposed_policy() -> None:
    made = proposal(CACHE, CAP, SMALL)
    text = made.text(PERIOD)
    assert load_policy(text, "penstock.toml") == made.policy
    assert made.policy.mode == "observe"
    assert made.policy.tasks["t"].cap is not None
    assert '[tasks.t.cache]\nenabled = true\nttl = "auto"\n' in text
    assert "# t: worth it; $30.00 a month possible" in text


def test_what_can_change_answers_waits_in_comments_until_decided() -> None:
    made = proposal(CACHE, SMALL)
    assert made.policy.tasks["t"].route is None
    assert "\n# would x do?\n[tasks.t.cache]\n" in made.text(PERIOD)
    assert '# [tasks.t.route]\n# enabled = true\n# model = "claude-haiku-5-5"\n' in made.text(PERIOD)
    decided = proposal(CACHE, SMALL, decided=True)
    assert decided.policy.tasks["t"].route is not None
    assert decided.policy.tasks["t"].route.model == "claude-haiku-5-5"
    assert load_policy(decided.text(PERIOD), "p") == decided.policy


def test_a_task_that_is_not_worth_it_gets_no_section() -> None:
    made = proposal(CACHE, SMALL, verdict=Verdict.NOT_WORTH)
    assert made.policy.tasks == {}
    assert made.waiting == ()
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
    lines = proposal(moved, SMALL).text(PERIOD).splitlines()
    decided = [
        line.removeprefix("# ") if line.startswith(("# [", "# move", "# enabled", "# model")) else line
        for line in lines
    ]
    loaded = load_policy("\n".join(decided), "p").tasks["t"]
    assert loaded.cache.move_static_up
    assert loaded.route is not None


def test_names_and_values_as_toml() -> None:
    assert policy_name("label", labelled=True) == "label"
    assert list(toml_of("my task", {"cap": {"enabled": False, "max_output": 5}}, {"cap": {"output": "label"}})) == [
        '[tasks."my task".cap]',
        "enabled = false",
        "max_output = 5",
        '# output = "label"',
    ]
