"""Predicted against reported usage, call by call: did the provider's cache do what the cache model foresaw?

The prediction's token counts are estimates; the reported prompt total is the truth, so the prediction is brought to
that total first. What is left is where a boundary inside the prompt lies: two parts whose bytes per token differ by a
factor ``d`` move the boundary ``x`` between them by at most ``d * x * (T - x) / T`` of ``T`` tokens. That, and 128
tokens for hidden text and OpenAI's grid, is what an estimate may be off by; beyond it a promise was not kept.

    read    what was foreseen to be read was read
    cached  what was foreseen to be in the cache afterwards was read or written
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from penstock.evidence.growth import grown
from penstock.wire.usage import Basis, Usage

APART = 0.5
"""By how much the bytes per token of two parts of one prompt may differ."""
HIDDEN = 128
"""Tokens that a boundary may be off by for text that we do not see, and for rounding."""


class Compared(NamedTuple):
    """One call, predicted and reported; tokens, the prediction brought to the reported total.

    Attributes:
        foreseen_read, foreseen_write: what the cache model foresaw.
        read, write: what the provider reported.
        read_kept: whether what was foreseen to be read was read; None when nothing was promised that could be told
            from an error of the estimate.
        cached_kept: the same for what was foreseen to be cached afterwards.
    """

    foreseen_read: int
    foreseen_write: int
    read: int
    write: int
    read_kept: bool | None
    cached_kept: bool | None

    @property
    def broken(self) -> bool:
        """Whether a promise was not kept."""
        return self.read_kept is False or self.cached_kept is False


def compare(predicted: Usage, reported: Usage, minimum: int = 0) -> Compared | None:
    """Compare a call's prediction with its report; None for what says nothing (an estimated or an empty usage).

    Args:
        predicted: the prompt's split as foreseen for the bytes that were sent.
        reported: by the provider.
        minimum: tokens of the model's shortest cached prefix; nearer than the tolerance to it, nothing is promised.
    """
    total, guessed = reported.input_total, predicted.input_total
    if total <= 0 or guessed <= 0 or reported.basis is Basis.ESTIMATED:
        return None
    read = predicted.cache_read * total // guessed
    write = predicted.cache_write * total // guessed
    written = predicted.cache_write_reported and reported.cache_write_reported
    return Compared(
        foreseen_read=read,
        foreseen_write=write,
        read=reported.cache_read,
        write=reported.cache_write,
        read_kept=_kept(read, reported.cache_read, total, minimum),
        cached_kept=_kept(read + write, reported.cache_read + reported.cache_write, total, minimum)
        if written
        else None,
    )


def tolerance(boundary: int, total: int) -> float:
    """How far an estimated boundary of a prompt of ``total`` tokens may lie from the true one, tokens."""
    return HIDDEN + APART * boundary * (total - boundary) / total


def _kept(foreseen: int, told: int, total: int, minimum: int) -> bool | None:
    off = tolerance(foreseen, total)
    if foreseen - off < max(minimum, 1):
        return None
    return told >= foreseen - off


class Reconciled(msgspec.Struct):
    """Sums over calls; they merge by addition.

    Attributes:
        calls: compared.
        foreseen_read, read: tokens foreseen to be read, and reported.
        foreseen_write, write: the same for writing.
        reads, reads_kept: calls in which a read was promised, and was there.
        cached, cached_kept: calls in which a cached prefix was promised, and was there.
    """

    calls: int = 0
    foreseen_read: int = 0
    read: int = 0
    foreseen_write: int = 0
    write: int = 0
    reads: int = 0
    reads_kept: int = 0
    cached: int = 0
    cached_kept: int = 0

    def add(self, one: Compared) -> None:
        """Count one call."""
        self.calls += 1
        self.foreseen_read += one.foreseen_read
        self.read += one.read
        self.foreseen_write += one.foreseen_write
        self.write += one.write
        self.reads += one.read_kept is not None
        self.reads_kept += one.read_kept is True
        self.cached += one.cached_kept is not None
        self.cached_kept += one.cached_kept is True

    def merge(self, other: Reconciled) -> None:
        """Add another's sums to this one's."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def advance(self, earlier: Reconciled, now: Reconciled) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        for name in self.__struct_fields__:
            setattr(self, name, grown(getattr(self, name), getattr(earlier, name), getattr(now, name)))

    def less(self, other: Reconciled) -> Reconciled:
        """These sums without another's that are in them."""
        return Reconciled(*(getattr(self, name) - getattr(other, name) for name in self.__struct_fields__))

    def to_builtins(self) -> Any:
        """Plain numbers, in the order of the attributes."""
        return [getattr(self, name) for name in self.__struct_fields__]
