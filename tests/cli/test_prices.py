from __future__ import annotations

import json

import pytest

from penstock.cli.main import run
from penstock.models.prices import TABLE_VERSION


def prices(*arguments: str) -> int:
    try:
        run(["prices", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_the_table_shows_prices_the_day_and_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("claude-sonnet-5-5-20260928", "--at", "2026-10-06") == 0
    out = capsys.readouterr().out
    assert "claude-sonnet-5-5 on 2026-10-06" in out
    assert "0.2 " in out
    assert "cache write, 1 hour" in out
    assert "30 minutes" not in out
    assert TABLE_VERSION in out.replace("\n", " ")


def test_json_has_decimal_strings_and_reasons_for_what_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("gpt-4o", "--at", "2026-11-22", "--tier", "batch", "--json") == 0
    out = json.loads(capsys.readouterr().out)
    assert out["usd_per_mtok"]["input"] == "1.25"
    assert out["usd_per_mtok"]["cache_read"] is None
    assert "batch" in out["unknown"]["cache_read"]
    assert (out["model"], out["tier"], out["price_table"]) == ("gpt-4o", "batch", TABLE_VERSION)


def test_the_region_and_a_long_prompt_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("claude-haiku-5-5", "--at", "2026-11-22", "--geo", "us", "--prompt-tokens", "100001", "--json") == 0
    assert json.loads(capsys.readouterr().out)["usd_per_mtok"]["input"] == "0.55"


def test_today_is_the_default_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("gpt-4o", "--json") == 0
    assert json.loads(capsys.readouterr().out)["usd_per_mtok"]["input"] == "2.5"


def test_an_unknown_model_is_an_error_with_near_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("gpt-6.1-sool") == 3
    err = capsys.readouterr().err
    assert "no price for model 'gpt-6.1-sool'" in err
    assert "gpt-6.1-sol" in err.partition("hint:")[2]


def test_a_day_before_the_model_was_sold_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("claude-haiku-5-5", "--at", "2026-10-06") == 3
    assert "2026-10-07" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--at", "yesterday"), ("--tier", "cheap")])
def test_a_wrong_option_is_a_usage_error(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert prices("gpt-4o", *arguments) == 2
    assert "hint:" in capsys.readouterr().err
