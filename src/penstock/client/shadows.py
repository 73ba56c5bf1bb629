"""Shadows of in-process calls: sent when the SDK has its answer, in threads or in tasks of the running loop.

A call with a shadow is recorded when the shadow is over. Closing waits for threads and tasks for a while; what is not
over then is given up, and its call is recorded without it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

from penstock.client.core import Core
from penstock.engine.steps import Graded, Later, Sent

MOST = 16
"""Shadows that may run at once; the next one is given up."""
PATIENCE_S = 30.0
"""Seconds that a close waits for shadows."""


class Waiting(Protocol):
    """A call that waits for its shadow."""

    def after(self, result: Sent | Graded) -> Later | None:
        """The next thing to do beside the call; None when it is recorded."""

    def give_up(self) -> None:
        """Record the call without what is left to do."""


class _Shadows:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: set[Waiting] = set()
        core.closing.append(self.give_up)

    def after(self, call: Waiting, result: Sent | Graded) -> Later | None:
        """The next thing to do beside a call; None when it is over, or was given up meanwhile."""
        with self._core.lock:
            if call not in self._waiting:
                return None
            step = call.after(result)
            if step is None:
                self._waiting.discard(call)
            return step

    def end(self, call: Waiting) -> None:
        """End a call, if it has not ended, without what is left to do."""
        with self._core.lock:
            if call in self._waiting:
                self._waiting.discard(call)
                call.give_up()

    def give_up(self) -> None:
        """End every call that still waits, without its shadow."""
        for call in list(self._waiting):
            self.end(call)

    def _enter(self, call: Waiting) -> bool:
        with self._core.lock:
            if len(self._waiting) >= MOST:
                return False
            self._waiting.add(call)
            return True


class ThreadedShadows(_Shadows):
    """The shadows of a sync client."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._threads: list[threading.Thread] = []

    def start(self, call: Waiting, work: Callable[[], None]) -> bool:
        """Run ``work``, which ends the call, in a thread; False when too many run."""
        if not self._enter(call):
            return False

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - nobody waits for it; the call must be recorded
                self._core.context.failures[f"shadow: {type(error).__name__}"] += 1
            finally:
                self.end(call)

        thread = threading.Thread(target=guarded, name="penstock-shadow", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return True

    def close(self) -> None:
        """Wait for the threads, then give up what is left."""
        self.give_up()

    def give_up(self) -> None:
        """Give threads their time, then end every call that still waits."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
        super().give_up()


class AsyncShadows(_Shadows):
    """The shadows of an async client."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, call: Waiting, work: Callable[[], Awaitable[None]]) -> bool:
        """Run ``work``, which ends the call, in a task; False when too many run."""
        if not self._enter(call):
            return False

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - nobody waits for it; the call must be recorded
                self._core.context.failures[f"shadow: {type(error).__name__}"] += 1
            finally:
                self.end(call)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def aclose(self) -> None:
        """Wait for the tasks, then give up what is left."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=PATIENCE_S)
        self.give_up()
