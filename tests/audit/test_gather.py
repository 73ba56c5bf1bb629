from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec

from penstock.audit.gather import AuditInput, family_of, gather
from penstock.audit.reading import ReadReport
from penstock.evidence.task import fingerprint
from penstock.money import ZERO, Picodollars
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Usage
from tests.audit.traffic import OPUS, START, Provider, audit_input, one_shot, static_prompts, words


def row_of(call: RecordedCall) -> tuple[AuditInput, ReadReport]:
    report = ReadReport()
    now = datetime(2026, 11, 20, tzinfo=UTC)
    data = AuditInput(fingerprint=lambda _: "fp", priced_at=now, report=report)
    return gather([call], data), report


def plain(**more: object) -> RecordedCall:
    call = Provider().call(one_shot("s", "q"), START)
    return msgspec.structs.replace(call, **more)


def test_a_call_is_priced_at_its_own_day_and_its_prompt_goes_into_the_tree() -> None:
    data = audit_input(static_prompts(3))
    row = data.rows[0]
    assert row.usage is not None
    # Opus 5: 5 and 25 USD per million tokens.
    assert row.cost == row.usage.input_uncached * 5_000_000 + 20 * 25_000_000
    assert len(data.tree.chain(row.leaf)) == 2
    assert len(data.tree.nodes) == 4
    assert sum(data.tokens(row)) == row.usage.input_total


def test_t16_a_prompts_tokens_are_the_reported_ones() -> None:
    data = audit_input(static_prompts(3))
    assert data.tokens(data.rows[1])[1] in range(90, 110)  # the question has a hundred


def test_the_label_names_the_task_and_else_the_fingerprint() -> None:
    assert row_of(plain(tags={"task": "triage"}))[0].rows[0].task == "triage"
    unnamed = row_of(plain(tags={}))[0].rows[0]
    assert (unnamed.task, unnamed.labelled) == ("fp", False)
    assert row_of(plain(tags={}, request=None))[0].rows[0].task == ""


def test_prompts_that_differ_by_a_few_words_are_one_task_as_in_live_traffic() -> None:
    rules = " ".join(f"rule{'abcdefghij'[n % 10] * (n // 10 + 1)}" for n in range(120))
    prompts = [rules, rules.replace("rulej ", "rulejay ", 1), rules.upper()[::-1], rules]
    calls = [msgspec.structs.replace(Provider().call(one_shot(one, "q"), START), tags={}) for one in prompts]
    data = AuditInput(fingerprint=fingerprint, priced_at=datetime(2026, 11, 20, tzinfo=UTC), report=ReadReport())
    first, edited, other, again = (data.add(call).task for call in calls)
    assert first == edited == again != other
    assert len(data.members[first]) == 2
    assert data.members[other] == [other]


def test_missing_usage_is_an_unknown_cost_and_a_refused_call_costs_nothing() -> None:
    row = row_of(plain(usage=None))[0].rows[0]
    assert row.cost == Unknown("no usage reported")
    error = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}).encode()
    refused = row_of(plain(usage=None, status=529, response=error))[0].rows[0]
    assert (refused.failed, refused.cost, refused.finish) == (True, ZERO, None)


def test_an_unknown_model_is_counted_and_has_no_price() -> None:
    data, report = row_of(plain(model="nova-9"))
    assert isinstance(data.rows[0].cost, Unknown)
    assert report.warnings["a model that is not in the price table"].count == 1
    assert family_of("nova-9") == ""


def test_a_request_that_is_none_of_its_api_is_counted() -> None:
    data, report = row_of(plain(request=b'{"model":5}'))
    assert data.rows[0].leaf == -1
    assert report.warnings["the request is not one of its API"].count == 1


def test_a_call_without_a_time_gets_todays_prices_and_says_so() -> None:
    row = row_of(plain(ts=None))[0].rows[0]
    assert not row.priced_at_ts
    assert not isinstance(row.cost, Unknown)


def test_t19_the_tier_of_the_response_sets_the_price() -> None:
    call = plain()
    whole = row_of(call)[0].rows[0].cost
    batch = row_of(msgspec.structs.replace(call, batch=True))[0].rows[0].cost
    assert isinstance(whole, int)
    assert batch == whole // 2


def test_the_cache_counters_teach_the_marked_prefix() -> None:
    provider = Provider()
    system = [{"type": "text", "text": words(2000, "sys"), "cache_control": {"type": "ephemeral"}}]
    body = {"model": OPUS, "max_tokens": 9, "system": system}
    calls = [
        provider.call({**body, "messages": [{"role": "user", "content": words(300, f"q{k}")}]}, START + k)
        for k in range(2)
    ]
    data = audit_input(calls)
    assert calls[0].usage is not None
    marked = data.tree.chain(data.rows[0].leaf)[0]
    assert data.book.known(family_of(OPUS), marked) == calls[0].usage.cache_write
    assert data.rows[0].markers == ((0, "5m"),)


def test_what_a_cap_shares_its_room_with_is_noted() -> None:
    thinking = Provider().call(one_shot("s", "q", thinking={"type": "enabled", "budget_tokens": 1024}), START)
    assert row_of(thinking)[0].rows[0].thinks
    assert not row_of(plain())[0].rows[0].thinks
    reasons = Provider().call(
        {"model": "gpt-5.4", "messages": [{"role": "user", "content": "q"}]}, START, dialect=Dialect.OPENAI_CHAT
    )
    assert row_of(reasons)[0].rows[0].thinks


def test_what_the_log_says_that_a_call_cost_is_kept_beside_our_price() -> None:
    assert row_of(plain(reported_cost_usd="0.25"))[0].rows[0].reported == Picodollars(250_000_000_000)
    assert row_of(plain(reported_cost_usd="cheap"))[0].rows[0].reported is None


def test_groups_and_tasks_stand_in_the_order_of_time() -> None:
    calls = static_prompts(5)
    data = audit_input(calls[::-1])
    ((key, group),) = data.groups.items()
    assert key == ("triage", OPUS)
    assert [row.ts for row in group.rows] == [call.ts for call in calls]
    assert list(data.tasks) == ["triage"]
    assert group.answered == 5


def test_output_lengths_are_kept_by_the_model_that_answered() -> None:
    call = plain(model="claude-opus-5-20260101", usage=Usage(input_uncached=5, output=7))
    (key,) = row_of(call)[0].lengths.by_key
    assert (key.task, key.model) == ("triage", "claude-opus-5-20260101")


def test_t23_an_image_is_weighed_as_an_image_and_not_by_its_base64() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}}
    content = [picture, {"type": "text", "text": words(1300, "ask")}]
    call = Provider().call(one_shot("s", "", messages=[{"role": "user", "content": content}]), START)
    data = row_of(msgspec.structs.replace(call, usage=Usage(input_uncached=2600, output=5)))[0]
    image, text = data.tokens(data.rows[0])[-2:]
    assert 0.6 < image / text < 1.6
