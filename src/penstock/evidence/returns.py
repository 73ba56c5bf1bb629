"""What writing to the cache brought in, per task and model: the account that the guard reads.

An account holds what the provider billed: tokens written by lifetime, tokens read, prompt tokens in all. Beside that it
counts how many reads were expected of writes whose lifetime is over, since the last write that was read; a write that
is read sets it to 0. All of it adds up, so accounts of several workers merge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec

_ACCOUNTS = 5000


class Account(msgspec.Struct):
    """One task on one model.

    Attributes:
        prompt: prompt tokens of all calls.
        read: of them read from a cache.
        written: tokens written, by name of the lifetime.
        writes: calls that wrote.
        unread: expected reads of finished writes since the last write that was read.
        unread_writes: how many writes those were.
        last_write: when a call last wrote, seconds since the epoch.
        probes: writes since the task was stood down.
    """

    prompt: int = 0
    read: int = 0
    written: dict[str, int] = msgspec.field(default_factory=dict)
    writes: int = 0
    unread: float = 0.0
    unread_writes: int = 0
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
        self.last_write = max(self.last_write, other.last_write)
        self.probes += other.probes


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
        if not any(written.values()):
            return
        account.writes += 1
        account.last_write = max(account.last_write, at)
        account.probes += account.unread > 0
        for ttl, tokens in written.items():
            if tokens:
                account.written[ttl] = account.written.get(ttl, 0) + tokens

    def settle(self, task: str, model: str, *, expected: float, read: bool) -> None:
        """The lifetime of a write is over: with what chance it was expected to be read, and whether it was."""
        account = self._open(task, model)
        if account is None:
            return
        if read:
            account.unread, account.unread_writes, account.probes = 0.0, 0, 0
        else:
            account.unread += expected
            account.unread_writes += 1

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
