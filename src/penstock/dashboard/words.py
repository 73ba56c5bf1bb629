"""How figures read on the pages: exact amounts, times, tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.money import PICO_PER_USD, Picodollars

_CENTS, _TENTHS = 2, 4
_SMALL = PICO_PER_USD // 1000
_DIGITS = 12


def dollars(amount: Picodollars | int) -> tuple[str, str]:
    """An exact amount in two pieces that make one decimal: what the eye needs, and the digits after it.

    ``$1,234.56`` and ``789``; four digits come first below a dollar, eight below a tenth of a cent.
    """
    whole, rest = divmod(abs(amount), PICO_PER_USD)
    digits = f"{rest:0{_DIGITS}d}".rstrip("0")
    first = _CENTS if whole else _TENTHS if rest >= _SMALL else 2 * _TENTHS
    head = digits[:first].ljust(_CENTS, "0")
    sign = "-" if amount < 0 else ""
    return f"{sign}${whole:,}.{head}", digits[first:]


def moment(at: float) -> str:
    """Seconds since the epoch as ``2026-11-21 09:00:02``, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def machine_moment(at: float) -> str:
    """The same for a ``time`` element."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def took(milliseconds: float | None) -> str:
    """A latency."""
    if milliseconds is None:
        return "unknown"
    return f"{milliseconds:,.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:,.2f} s"  # noqa: PLR2004 - a second


def counted(number: int, one: str, many: str = "") -> str:
    """``1 call``, ``2,000 calls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
