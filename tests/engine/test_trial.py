from __future__ import annotations

from penstock.engine.trial import Contest, contest_of, waiting_edits
from penstock.policy.load import load_policy
from penstock.policy.schema import Policy
from tests.levers.build import view_of
from tests.playbook import messages

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
TRIM = "[tasks.t.trim]\ntop_k = 2\n"


def _policy(text: str) -> Policy:
    return load_policy(text)


def _contest(text: str, model: str = STRONG) -> Contest | None:
    return contest_of(view_of(messages("x", model=model)), "t", _policy(text))


def _known(text: str, model: str = STRONG) -> Contest:
    found = _contest(text, model)
    assert found is not None
    return found


def test_a_model_an_edit_and_both_together_are_three_candidates() -> None:
    model = _known(f'[tasks.t.gate]\ncandidate = "{CHEAP}"\n')
    assert (model.swaps, model.name, model.variant) == (True, CHEAP, "")
    edit = _known(TRIM + '[tasks.t.gate]\nedits = ["trim"]\n')
    assert (edit.swaps, edit.name, edit.reference, edit.model) == (False, "trim", STRONG, STRONG)
    both = _known(TRIM + f'[tasks.t.gate]\ncandidate = "{CHEAP}"\nedits = ["trim"]\n')
    assert (both.swaps, both.name) == (True, f"{CHEAP}+trim")


def test_other_settings_of_an_edit_are_another_variant_tested_or_not() -> None:
    gate = f'[tasks.t.gate]\ncandidate = "{CHEAP}"\n'
    first, same, other = (_known(text + gate).variant for text in (TRIM, TRIM, TRIM.replace("2", "3")))
    assert first
    assert first == same
    assert first != other
    assert _known(TRIM + "enabled = false\n" + gate).variant == ""


def test_calls_for_the_candidate_or_for_another_reference_take_no_part() -> None:
    gate = f'[tasks.t.gate]\ncandidate = "{CHEAP}"\n'
    assert _contest(gate, model=f"{CHEAP}-20251001") is None
    assert _contest(gate + 'reference = "claude-sonnet-4-5"\n') is None
    assert _contest(gate + "enabled = false\n") is None


def test_edits_alone_are_tested_on_the_model_that_the_route_sends_to_by_its_own_word() -> None:
    text = TRIM + f'[tasks.t.gate]\nedits = ["trim"]\n[tasks.t.route]\nmodel = "{CHEAP}"\n'
    assert _known(text)[:2] == (CHEAP, CHEAP)
    assert _known("levers.route = false\n" + text).model == STRONG


def test_tested_edits_wait_also_where_a_call_takes_no_part() -> None:
    policy = _policy(TRIM + '[tasks.t.gate]\nedits = ["trim"]\nenabled = false\n')
    assert waiting_edits(policy.task("t"), None) == {"trim"}
    assert waiting_edits(policy.task("other"), None) == frozenset()
