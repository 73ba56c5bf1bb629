from __future__ import annotations

import pytest

from penstock.errors import PolicyError
from penstock.policy.dump import dump_policy
from penstock.policy.load import load_policy
from penstock.policy.serving import Budget, Resilience, VirtualKey

TEXT = """
[upstream.anthropic]
mirrors = ["https://eu.example.test"]

[resilience]
retries = 2
fallbacks = { "claude-opus-5-5" = ["claude-sonnet-5-5"] }

[keys.search]
key = "env:SEARCH_KEY"
team = "web"
models = ["claude-haiku-4-5"]

[budgets.web]
team = "web"
usd = 50
period = "day"
action = "throttle"
"""


def test_the_gateway_s_sections_are_read_and_written_back() -> None:
    policy = load_policy(TEXT)
    assert policy.upstream["anthropic"].mirrors == ("https://eu.example.test",)
    assert policy.resilience == Resilience(retries=2, fallbacks={"claude-opus-5-5": ("claude-sonnet-5-5",)})
    assert policy.keys == {"search": VirtualKey(key="env:SEARCH_KEY", team="web", models=("claude-haiku-4-5",))}
    assert policy.budgets == {"web": Budget(usd=50.0, period="day", team="web", action="throttle")}
    assert load_policy(dump_policy(policy)) == policy
    assert load_policy(dump_policy(policy, resolved=True)) == policy


@pytest.mark.parametrize(
    "text",
    [
        "[keys.a]\nteam = 'x'",
        "[budgets.a]\nusd = 0",
        "[budgets.a]\nusd = 1\nperiod = 'week'",
        "[resilience]\nretry = 1",
    ],
)
def test_a_wrong_section_is_a_policy_error(text: str) -> None:
    with pytest.raises(PolicyError):
        load_policy(text)
