"""A server in a thread that ends when it is told to, and not at its next look a tenth of a second later."""

from __future__ import annotations

import asyncio

import uvicorn

_TICK_S = 0.1
"""How often it looks whether a signal has told it to end."""


class StoppableServer(uvicorn.Server):
    """A uvicorn server that other threads may stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until told to end."""
        self._loop = asyncio.get_running_loop()
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._told.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        """Have it end, from any thread: running requests finish first."""
        self.should_exit = True
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._told.set)
            except RuntimeError:
                return  # it has ended
