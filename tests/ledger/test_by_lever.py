from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Risk
from penstock.engine.record import Call, EditRecord
from penstock.ledger.by_lever import UNASSIGNED, saved_by_lever
from penstock.money import Picodollars
from penstock.wire.dialect import Dialect

amounts = st.integers(0, 10**12).map(Picodollars)


def call(cost: int | None, before: int | None, expected: dict[str, int | None], arm: str = "treated") -> Call:
    edits = tuple(
        EditRecord(lever=name, why="", saving=None if saving is None else Picodollars(saving), risk=Risk.EXACT)
        for name, saving in expected.items()
    )
    return Call(
        id="c",
        started_at=0.0,
        task="t",
        arm=arm,  # type: ignore[arg-type]
        provider="anthropic",
        dialect=Dialect.ANTHROPIC_MESSAGES,
        model_asked="m",
        model_sent="m",
        cost=None if cost is None else Picodollars(cost),
        cost_before=None if before is None else Picodollars(before),
        edits=edits,
    )


@given(
    st.lists(
        st.tuples(amounts, amounts, st.dictionaries(st.sampled_from(["cache", "cap", "route"]), st.none() | amounts)),
        max_size=8,
    )
)
@settings(max_examples=60)
def test_the_levers_shares_sum_to_the_saving_to_the_last_unit(
    calls: list[tuple[Picodollars, Picodollars, dict[str, int | None]]],
) -> None:
    result = saved_by_lever(call(*each) for each in calls)
    assert sum(result.by_lever.values()) == result.saving


def test_only_treated_calls_with_both_figures_are_in_the_sums() -> None:
    result = saved_by_lever(
        [call(1, 9, {"cache": 5}), call(None, 9, {}), call(1, None, {}), call(1, 9, {}, arm="holdback")]
    )
    assert (result.calls, result.before, result.after, result.unknown) == (1, 9, 1, 2)
    assert result.by_lever == {"cache": 8}


def test_a_difference_that_no_lever_made_is_assigned_to_none() -> None:
    assert saved_by_lever([call(5, 9, {})]).by_lever == {UNASSIGNED: 4}
