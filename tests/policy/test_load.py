from __future__ import annotations

import pytest

from penstock.errors import PolicyError
from penstock.policy.load import load_policy
from penstock.policy.schema import BrevityPolicy, CapPolicy, GatePolicy, Policy


def _error(text: str, **more: object) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "p.toml", **more)  # type: ignore[arg-type]
    return caught.value


def test_an_empty_text_is_a_policy_of_defaults() -> None:
    assert load_policy("") == Policy()


def test_a_task_takes_the_defaults_and_its_own_keys_win() -> None:
    policy = load_policy(
        """
        [defaults.cap]
        multiplier = 1.5
        output = "boolean"
        [tasks.a.cap]
        output = "label"
        [tasks.b]
        """
    )
    assert policy.task("a").cap == CapPolicy(multiplier=1.5, output="label")
    assert policy.task("b").cap == policy.defaults.cap == CapPolicy(multiplier=1.5, output="boolean")


def test_precedence_is_flag_then_environment_then_file_then_default() -> None:
    text = '[holdback]\nshare = 0.2\nsalt = "file"'
    environ = {"PENSTOCK_HOLDBACK__SHARE": "0.3", "PENSTOCK_MODE": "apply"}
    policy = load_policy(text, environ=environ, flags={"holdback.share": 0.4})
    assert (policy.holdback.share, policy.mode, policy.holdback.salt) == (0.4, "apply", "file")
    assert load_policy(text, environ=environ).holdback.share == 0.3
    assert load_policy(text).holdback.share == 0.2
    assert load_policy("").holdback.share == 0.1


def test_an_error_names_file_line_key_and_a_suggestion() -> None:
    error = _error("mode = 'apply'\n\n[tasks.triage.cap]\noutpt = 'boolean'\n")
    assert str(error) == "p.toml, line 4: unknown key `tasks.triage.cap.outpt`"
    assert error.hint == "did you mean `output`?"
    assert error.exit_code == 2


def test_a_fault_in_the_defaults_is_named_there_and_not_in_a_task() -> None:
    assert "line 4: unknown key `defaults.cap.x`" in str(_error("[tasks.a.cap]\n\n[defaults.cap]\nx = 1"))


def test_text_that_is_not_toml_is_named_by_line() -> None:
    assert str(_error("a = 1\nb = = 2")) == "p.toml, line 2: not TOML: Invalid value"
    assert "last line" in str(_error("b = "))


def test_an_error_of_a_variable_or_flag_names_it_instead_of_a_line() -> None:
    error = _error("", environ={"PENSTOCK_MODE": "aply"})
    assert str(error).startswith("PENSTOCK_MODE: `mode`")
    assert str(_error("", flags={"holdback.share": 7})).startswith("the command line: `holdback.share`")
    assert str(_error("mode = 'apply'", flags={"mode.x": 7})).startswith("p.toml: `mode.x` cannot be set")


def test_an_unknown_kind_of_answer_is_refused_at_load() -> None:
    error = _error("[tasks.a.cap]\noutput = 'essay'")
    assert str(error) == "p.toml, line 2: `tasks.a.cap.output`: unknown kind of answer"
    assert "under N words" in (error.hint or "")


def test_variants_name_inline_prompts_or_files_that_the_reader_finds() -> None:
    text = """
        [prompts]
        short = "Answer yes or no."
        [tasks.a.route.variants]
        m1 = "short"
        m2 = "m2.md"
    """
    policy = load_policy(text, read={"m2.md": "from a file"}.__getitem__)
    assert policy.prompts == {"short": "Answer yes or no.", "m2.md": "from a file"}


def test_a_variant_that_cannot_be_read_is_an_error_at_load() -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", name)

    text = "[tasks.a.route.variants]\nm1 = 'm1.md'"
    assert str(_error(text, read=missing)) == (
        "p.toml, line 2: `tasks.a.route.variants.m1`: cannot read `m1.md`: No such file or directory"
    )
    assert "no prompt named `m1.md`" in str(_error(text))


def test_a_verifier_without_fields_to_check_is_refused() -> None:
    text = "[tasks.a.route]\nverify = ['evidence']\nevidence_fields = []"
    assert "line 3: `tasks.a.route.evidence_fields` is empty" in str(_error(text))


@pytest.mark.parametrize(
    "grader", ["python:mine:score", "python:my.module:score", "command:./grade.sh --fast", "http://127.0.0.1:9/grade"]
)
def test_a_grader_is_a_function_a_program_or_an_address(grader: str) -> None:
    gate = load_policy(f'[tasks.a.gate]\ncandidate = "m"\ngrader = "{grader}"').task("a").gate
    assert gate is not None
    assert gate.grader == grader


@pytest.mark.parametrize("grader", ["", "mine", "python:mine", "python:os.system", "command:", "ftp://a/b", "http://"])
def test_a_grader_of_no_known_kind_is_refused_at_load(grader: str) -> None:
    error = _error(f'[tasks.a.gate]\ncandidate = "m"\ngrader = "{grader}"')
    assert str(error) == "p.toml, line 3: `tasks.a.gate.grader` names no grader"


def test_a_gate_that_tests_nothing_or_an_edit_without_a_section_is_an_error() -> None:
    assert str(_error("[tasks.a.gate]\neps = 0.05")) == "p.toml, line 1: `tasks.a.gate` tests nothing"
    error = _error('[tasks.a.gate]\nedits = ["trim"]')
    assert str(error) == "p.toml, line 2: `tasks.a.gate.edits` names trim, and the task has no trim section"
    gate = load_policy('[defaults.trim]\n[tasks.a.gate]\nedits = ["trim"]').task("a").gate
    assert gate == GatePolicy(edits=("trim",))


def test_an_embedding_is_a_function_of_the_user_s() -> None:
    gate = load_policy('[tasks.a.gate]\ncandidate = "m"\nembedding = "python:mine:vector"').task("a").gate
    assert gate is not None
    assert gate.embedding == "python:mine:vector"
    error = _error('[tasks.a.gate]\ncandidate = "m"\nembedding = "https://somewhere"')
    assert str(error) == "p.toml, line 3: `tasks.a.gate.embedding` names no function"


def test_a_brevity_instruction_has_a_text() -> None:
    task = load_policy('[tasks.a.brevity]\ninstruction = "One sentence."').task("a")
    assert task.brevity == BrevityPolicy(instruction="One sentence.")
    assert "instruction" in str(_error('[tasks.a.brevity]\ninstruction = ""'))


def test_a_gate_takes_the_defaults_of_gates() -> None:
    gate = load_policy('[defaults.gate]\ncandidate = "m"\neps = 0.1\n[tasks.a.gate]\ncandidate = "n"').task("a").gate
    assert gate is not None
    assert (gate.candidate, gate.eps) == ("n", 0.1)


def test_a_tier_needs_a_model_and_a_name_of_its_own() -> None:
    policy = load_policy("[tiers.small]\nanthropic = ['claude-haiku-4-5']")
    assert policy.models("small", "anthropic") == ("claude-haiku-4-5",)
    assert policy.models("small", "openai") == ()
    assert policy.models("gpt-5", "openai") == ("gpt-5",)
    assert str(_error("[tiers.small]\nopenai = []")) == "p.toml, line 1: `tiers.small` has no model"
    assert "has the name of a model" in str(_error("[tiers.gpt-5]\nopenai = ['gpt-5-mini']"))


def test_a_route_that_takes_every_call_leaves_a_gate_s_candidate_nothing() -> None:
    error = _error('[tasks.a.route]\nmodel = "m"\n[tasks.a.gate]\ncandidate = "n"')
    assert "tasks.a.route.model" in str(error)
    assert error.hint
    assert load_policy('[tasks.a.route]\nmodel = "m"\nenabled = false\n[tasks.a.gate]\ncandidate = "n"').task("a").gate
    assert load_policy('[tasks.a.route]\nmodel = "m"\n[tasks.a.gate]\nedits = ["trim"]\n[tasks.a.trim]').task("a").gate
