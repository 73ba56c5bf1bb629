"""What writing to the cache brought in, per task and model: the account that the guard reads.

An account holds what the provider billed: tokens written by lifetime, tokens read, prompt tokens in all. Beside that it
counts how many reads were expected of writes whose lifetime is over and that were not read: the streak. It is over when
a write is read, or when other reads have come to as many tokens as were written in vain: a few tokens at the end of a
prompt that is read are no loss. All of it adds up, so accounts of several workers merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import msgspec

from penstock.evidence.growth import grown, moved, through

UNREAD = 4.0
"""Expected reads that did not come, at which writing is a loss by all that is seen."""
_ACCOUNTS = 5000


class Account(msgspec.Struct):
    """One task on one model.

    Attributes:
        prompt: prompt tokens of all calls.
        read: of them read from a cache.
        written: tokens written, by name of the lifetime.
        writes: calls that wrote.
        unread: expected reads of the streak's writes.
        unread_writes: how many writes those were.
        unread_tokens: what they wrote.
        read_meanwhile: tokens read since the first of them was written.
        last_write: when a call last wrote, seconds since the epoch.
        probes: writes since the streak came to ``UNREAD``.
    """

    prompt: int = 0
    read: int = 0
    written: dict[str, int] = msgspec.field(default_factory=dict)
    writes: int = 0
    unread: float = 0.0
    unread_writes: int = 0
    unread_tokens: int = 0
    read_meanwhile: int = 0
    last_write: float = 0.0
    probes: int = 0

    def merge(self, other: Account) -> None:
        """Add another account."""
        self.prompt += other.prompt
        self.read += other.read
        for ttl, tokens in other.written.items():
            self.written[ttl] = self.written.get(ttl, 0) + tokens
        self.writes += other.writes
        self.unread += other.unread
        self.unread_writes += other.unread_writes
        self.unread_tokens += other.unread_tokens
        self.read_meanwhile += other.read_meanwhile
        self.last_write = max(self.last_write, other.last_write)
        self.probes += other.probes

    def advance(self, earlier: Account, now: Account) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        for name in ("prompt", "read", "writes", "unread_writes", "unread_tokens", "read_meanwhile", "probes"):
            setattr(self, name, grown(getattr(self, name), getattr(earlier, name), getattr(now, name)))
        self.unread = max(0.0, moved(self.unread, earlier.unread, now.unread))
        for ttl, tokens in now.written.items():
            self.written[ttl] = grown(self.written.get(ttl, 0), earlier.written.get(ttl, 0), tokens)
        self.last_write = max(self.last_write, now.last_write)

    def end_streak(self) -> None:
        """Writing pays again, as far as is seen."""
        self.unread, self.unread_writes, self.unread_tokens = 0.0, 0, 0
        self.read_meanwhile = self.probes = 0

    def repaid(self) -> None:
        """End a streak that other reads have made good."""
        if self.unread_writes and self.read_meanwhile >= self.unread_tokens:
            self.end_streak()


_NOTHING = Account()


class Returns:
    """Accounts by task and model, at most 5,000; a task without one has written nothing that we know of."""

    __slots__ = ("_accounts",)

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def of(self, task: str, model: str) -> Account:
        """The account of a task on a model; read only."""
        return self._accounts.get(_name(task, model), _NOTHING)

    def bill(self, task: str, model: str, *, prompt: int, read: int, written: Mapping[str, int], at: float) -> None:
        """Add a call's bill: prompt tokens in all, read, and written by lifetime name; ``at`` is when it started."""
        account = self._open(task, model)
        if account is None:
            return
        account.prompt += prompt
        account.read += read
        if account.unread_writes:
            account.read_meanwhile += read
            account.repaid()
        if not any(written.values()):
            return
        account.writes += 1
        account.last_write = max(account.last_write, at)
        account.probes += account.unread >= UNREAD
        for ttl, tokens in written.items():
            if tokens:
                account.written[ttl] = account.written.get(ttl, 0) + tokens

    def read_again(self, task: str, model: str) -> None:
        """A write was read."""
        account = self._open(task, model)
        if account is not None:
            account.end_streak()

    def unread(self, task: str, model: str, *, expected: float, tokens: int, read_then: int) -> None:
        """The lifetime of a write is over without a read.

        Args:
            task: that wrote.
            model: that it wrote on.
            expected: the chance with which a read was expected.
            tokens: written.
            read_then: the account's ``read`` when it was written.
        """
        account = self._open(task, model)
        if account is not None:
            if not account.unread_writes:
                account.read_meanwhile = account.read - read_then
            account.unread += expected
            account.unread_writes += 1
            account.unread_tokens += tokens
            account.repaid()

    def clear(self) -> None:
        """Begin anew."""
        self._accounts.clear()

    def _open(self, task: str, model: str) -> Account | None:
        name = _name(task, model)
        account = self._accounts.get(name)
        if account is None and len(self._accounts) < _ACCOUNTS:
            account = self._accounts[name] = Account()
        return account

    def merge(self, other: Returns) -> None:
        """Add another's accounts."""
        for name, theirs in other._accounts.items():
            mine = self._accounts.get(name)
            if mine is not None:
                mine.merge(theirs)
            elif len(self._accounts) < _ACCOUNTS:
                copy = Account()
                copy.merge(theirs)
                self._accounts[name] = copy

    def advance(self, earlier: Returns, now: Returns) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Returns, now: Returns) -> Iterator[None]:
        """The same, an account at a time."""
        for name, account in now._accounts.items():
            mine = self._accounts.get(name)
            if mine is None and len(self._accounts) < _ACCOUNTS:
                mine = self._accounts[name] = Account()
            if mine is not None:
                mine.advance(earlier._accounts.get(name, _NOTHING), account)
            yield

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: msgspec.to_builtins(account) for name, account in self._accounts.items()}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; a msgspec error or TypeError for anything else."""
        returns = cls()
        returns._accounts = msgspec.convert(value, dict[str, Account])
        return returns


def _name(task: str, model: str) -> str:
    return f"{model}\n{task}"
