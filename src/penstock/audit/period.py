"""From a log to a month: what the log covers, and how its figures are scaled."""

from __future__ import annotations

import msgspec

from penstock.audit.reading import ReadReport
from penstock.money import Picodollars
from penstock.unknown import Unknown

DAY_S = 86_400.0
MONTH_DAYS = 30
"""A month is thirty days in every figure."""

SHORTEST_S = 3_600.0
"""A log that covers less is not scaled to a month: a burst says nothing about the hours around it."""


class Period(msgspec.Struct, frozen=True):
    """What a log covers.

    Attributes:
        seconds: from the first to the last call, or what the reader said; None when no call has a time.
        stated: whether the reader said it.
    """

    seconds: float | None
    stated: bool = False

    @property
    def factor(self) -> float | Unknown:
        """What turns a figure of the log into one of a month."""
        if self.seconds is None:
            return Unknown("no call in the log has a time")
        if self.seconds < SHORTEST_S and not self.stated:
            return Unknown(f"the log covers only {span(self.seconds)}, too short to say what a month brings")
        return MONTH_DAYS * DAY_S / self.seconds

    @property
    def basis(self) -> str:
        """How a figure for a month came about, in a few words."""
        factor = self.factor
        if isinstance(factor, Unknown):
            return factor.why
        covers = span(self.seconds or 0.0)
        said = "as stated" if self.stated else "first to last call"
        return f"{covers} of log ({said}), times {factor:,.3g} for 30 days"

    def month(self, amount: Picodollars | Unknown) -> Picodollars | Unknown:
        """An amount of the log scaled to a month."""
        factor = self.factor
        if isinstance(amount, Unknown):
            return amount
        return factor if isinstance(factor, Unknown) else Picodollars(round(amount * factor))

    def per_day(self, calls: int) -> float | Unknown:
        """A count of the log as a daily rate."""
        factor = self.factor
        return factor if isinstance(factor, Unknown) else calls * factor / MONTH_DAYS


def period_of(report: ReadReport, covers_days: float | None = None) -> Period:
    """The period of a read log; ``covers_days`` is what the reader says that it stands for."""
    if covers_days is not None:
        return Period(covers_days * DAY_S, stated=True)
    return Period(report.seconds)


def span(seconds: float) -> str:
    """A length of time for people: ``3.2 days``, ``5.0 hours``, ``40 s``."""
    for unit, name in ((DAY_S, "days"), (3_600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * unit or (seconds >= unit and name != "minutes"):
            return f"{seconds / unit:,.1f} {name}"
    return f"{seconds:,.0f} s"
