"""What a simulated provider remembers between calls."""

from __future__ import annotations

from penstock.cachemodel.machine import CacheState, Decisions
from penstock.simulator.batches import Batches
from penstock.simulator.bill import Bill
from penstock.simulator.config import Config
from penstock.simulator.conversations import Conversations
from penstock.simulator.counting import TokenCounter
from penstock.simulator.diagnostics import Diagnoses
from penstock.simulator.ids import Ids
from penstock.simulator.limits import Limits, RateLimiter
from penstock.simulator.openai_batches import OpenAIBatches
from penstock.simulator.reply import Responder
from penstock.simulator.synthetic import Synthetic

COUNTING_LIMITS = Limits(requests=8000, enforced=False)
"""Token counting has a pool of requests of its own (provider-semantics 1.8)."""


class World:
    """The state of one provider; everything in it follows from the configuration and the calls so far."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.responder: Responder = config.responder or Synthetic(config.seed)
        self.counter = TokenCounter()
        self.bill = Bill(config.keep_calls)
        self.restart()

    def restart(self) -> None:
        """Empty caches, full rate limits, an empty bill, identifiers from the beginning."""
        self.cache = CacheState(self.config.decisions or Decisions())
        self.limiter = RateLimiter(self.config.limits)
        self.counting = RateLimiter(COUNTING_LIMITS)
        self.ids = Ids(self.config.seed)
        self.diagnoses = Diagnoses()
        self.conversations = Conversations()
        self.batches = Batches()
        self.openai_batches = OpenAIBatches(self.ids)
        self.bill.clear()
