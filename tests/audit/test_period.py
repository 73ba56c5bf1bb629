from __future__ import annotations

import pytest

from penstock.audit.period import Period, period_of, span
from penstock.audit.reading import ReadReport
from penstock.money import Picodollars
from penstock.unknown import Unknown


def test_a_day_of_log_is_a_thirtieth_of_a_month() -> None:
    period = Period(86_400.0)
    assert period.month(Picodollars(7)) == 210
    assert period.per_day(50) == 50
    assert period.basis == "1.0 days of log (first to last call), times 30 for 30 days"


@pytest.mark.parametrize(("seconds", "why"), [(None, "no call in the log has a time"), (40.0, "covers only 40 s")])
def test_a_log_that_cannot_be_scaled_says_why(seconds: float | None, why: str) -> None:
    period = Period(seconds)
    month = period.month(Picodollars(7))
    assert isinstance(month, Unknown)
    assert why in month.why
    assert why in period.basis
    assert isinstance(period.per_day(3), Unknown)


def test_an_unknown_amount_stays_unknown_with_its_own_reason() -> None:
    assert Period(86_400.0).month(Unknown("no price")) == Unknown("no price")


def test_what_the_reader_states_counts_even_when_it_is_short() -> None:
    report = ReadReport(first_ts=0.0, last_ts=5.0)
    assert period_of(report).seconds == 5.0
    assert period_of(report, 0.01).month(Picodollars(1)) == 3000
    assert "as stated" in period_of(report, 2).basis


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (40, "40 s"),
        (90, "90 s"),
        (600, "10.0 minutes"),
        (3600, "1.0 hours"),
        (7200, "2.0 hours"),
        (259_200, "3.0 days"),
    ],
)
def test_lengths_of_time_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text
