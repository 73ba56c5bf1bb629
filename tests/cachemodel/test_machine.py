from __future__ import annotations

from penstock.cachemodel.admission import Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.store import CacheState
from penstock.models.profile import Regime
from tests.cachemodel.prompts import block, claude, gpt, grid, system


def test_a_model_without_a_cache_is_all_plain() -> None:
    prompt = Prompt(model="m", regime=Regime.NONE, minimum_prefix=1, blocks=(block("u", 5000, "5m"),))
    state = CacheState()
    admission = admit(state, prompt, 0)
    begin(state, admission, 1)
    assert admission.split == Split(plain=5000)
    assert len(state) == 0


def test_asking_changes_nothing() -> None:
    state = CacheState()
    for prompt in (claude(system("s", 1000, "5m")), grid(block("s", 2000)), gpt(block("s", 2000))):
        assert admit(state, prompt, 0) == admit(state, prompt, 0)
        assert len(state) == 0


def test_a_caller_without_a_clock_may_announce_the_response_at_once() -> None:
    state = CacheState()
    begin(state, admit(state, claude(system("s", 1000, "5m")), 0), 10)
    assert admit(state, claude(system("s", 1000, "5m")), 5).split.write_5m == 1000
    assert admit(state, claude(system("s", 1000, "5m")), 10).split.read == 1000


def test_regimes_share_one_state_without_meeting() -> None:
    state = CacheState()
    begin(state, admit(state, gpt(block("s", 2000)), 0), 1)
    assert admit(state, grid(block("s", 2000)), 5).split.read == 0
    assert admit(state, claude(block("s", 2000, "5m")), 5).split.read == 0


def test_expired_entries_do_not_pile_up() -> None:
    state = CacheState()
    for number in range(10_000):
        begin(state, admit(state, claude(system(f"s{number}", 1000, "5m")), number), number)
    assert len(state) <= 4096
