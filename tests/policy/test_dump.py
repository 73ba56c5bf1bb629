from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.policy.dump import dump_policy, to_builtins
from penstock.policy.load import load_policy
from penstock.policy.schema import (
    CachePolicy,
    CapPolicy,
    Levers,
    Match,
    Policy,
    RoutePolicy,
    TaskPolicy,
    TrimPolicy,
    Upstream,
)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
tasks = st.builds(
    TaskPolicy,
    match=st.none() | st.builds(Match, fingerprint=names),
    cache=st.builds(CachePolicy, ttl=st.sampled_from(["auto", "1h"]), stabilise=st.booleans()),
    cap=st.builds(CapPolicy, multiplier=st.floats(1, 9), max_output=st.none() | st.integers(1, 99)),
    route=st.builds(
        RoutePolicy,
        model=st.none() | names,
        verify=st.lists(st.sampled_from(["json", "tool"])).map(tuple),
        variants=st.dictionaries(names, st.just("known")),
    ),
    trim=st.builds(TrimPolicy, window_tokens=st.none() | st.integers(1, 10**6), top_k=st.none() | st.integers(1, 9)),
)
policies = st.builds(
    Policy,
    mode=st.sampled_from(["observe", "apply"]),
    upstream=st.dictionaries(names, st.builds(Upstream, base_url=names), max_size=2),
    levers=st.builds(Levers, cap=st.booleans()),
    prompts=st.just({"known": 'a "quoted"\ntext'}),
    defaults=st.just(TaskPolicy()) | tasks.map(lambda task: task),
    tasks=st.dictionaries(names, tasks, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(policies, st.booleans())
def test_a_policy_reads_back_as_it_was_written(policy: Policy, resolved: bool) -> None:
    assert _settled(load_policy(dump_policy(policy, resolved=resolved))) == _settled(policy)


def _settled(policy: Policy) -> dict[str, object]:
    """Keys that a task leaves unset come back from the defaults, so a task is compared with them filled in."""
    table = to_builtins(policy)
    defaults = table.get("defaults", {})
    for task in table.get("tasks", {}).values():
        for section, keys in defaults.items():
            if section != "match":
                task[section] = {**keys, **task.get(section, {})}
    return table


def test_a_short_dump_holds_only_what_differs_from_the_defaults() -> None:
    policy = Policy(mode="apply", tasks={"a": TaskPolicy(cap=CapPolicy(output="boolean"))})
    assert dump_policy(policy) == 'schema = 1\nmode = "apply"\n\n[tasks.a.cap]\noutput = "boolean"\n'


def test_a_task_that_undoes_a_default_keeps_its_word_when_written_short() -> None:
    policy = load_policy("[defaults.cap]\nmultiplier = 1.5\n[tasks.a.cap]\nmultiplier = 1.2")
    assert load_policy(dump_policy(policy)).task("a").cap == CapPolicy(multiplier=1.2)
