"""What traffic shows about prompt prefixes that come again: seen for free, whether or not anything was cached.

A request is a chain of prefixes. ``look`` finds the deepest one that was seen before and the deepest one that has a
live cache entry, walking back from the end, so its cost is that of what is new. ``observe`` adds the request: it
resolves the forecasts that the request answers, opens new ones at the few places where a marker could pay, and records
the entries that its markers wrote. ``forecast`` says how likely each of those places comes again.

Everything merges by addition and is bounded: prefixes by the table's limit, waiting requests and accounts by theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Self

from penstock.evidence.chances import Chances
from penstock.evidence.gaps import STAGES, Gaps
from penstock.evidence.growth import steps_of
from penstock.evidence.odds import Odds, score_of, seed_of
from penstock.evidence.pace import Pace
from penstock.evidence.partings import Partings
from penstock.evidence.prefixes import TENTHS, Prefixes, Shard
from penstock.evidence.reach import Reach
from penstock.evidence.returns import Returns
from penstock.evidence.sightings import NOWHERE, Bill, Chain, Entry, Later, Outlook, Sighting
from penstock.evidence.spots import TAIL, Question, Spot, gap_class, is_crowd, next_stage, questions_of, stage_of
from penstock.evidence.waiting import Asked, Open, Tail, Waiting, Written

LIFETIMES = (300.0, 3600.0, 1800.0, 43_200.0, 86_400.0)
"""Lifetimes of cache entries in seconds, as the prefix table numbers them."""
_BACK = 24
"""How many places above the deepest known prefix are looked at for a live entry."""
_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_SAME = ("seen", "owner", "count", "head", "turn", "kids")
"""What is known of a prefix, its entry apart."""


class ReuseEvidence:
    """Learnt reuse of prompt prefixes. ``limit`` is the most prefixes that are kept."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.prefixes = Prefixes(limit)
        self.chances = Chances()
        self.gaps = Gaps()
        self.tails = Gaps()
        self.reach = Reach()
        self.partings = Partings()
        self.pace = Pace()
        self.returns = Returns()
        self._begin()

    def _begin(self) -> None:
        self._waiting = Waiting(
            self.prefixes,
            self.chances,
            self.gaps,
            self.tails,
            reach=self.reach,
            partings=self.partings,
            returns=self.returns,
        )
        self._number = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReuseEvidence) and self.to_builtins() == other.to_builtins()

    def __hash__(self) -> int:
        return id(self)

    def look(self, chain: Chain, now: float) -> Sighting | None:
        """What is known about a chain, or None when no prefix of it was seen. Changes nothing."""
        find = self.prefixes.find
        for position in range(len(chain) - 1, -1, -1):
            record = find(chain.key(position))
            if record is not None:
                return self._sighting(chain, position, record, now)
        return None

    def _sighting(self, chain: Chain, match: int, record: tuple[Shard, int], now: float) -> Sighting:
        shard, place = record
        tick = self.prefixes.ticks(now)
        entry, until, life = self._live_entry(chain, match, record, tick)
        return Sighting(
            match=match,
            entry=entry,
            left=(until - tick) / TENTHS,
            life=LIFETIMES[life],
            gap=max(0, tick - shard.seen[place]) / TENTHS,
            turn=shard.turn[place],
            visits=shard.count[place],
            kids=shard.kids[place],
            head=shard.head[place] - 1,
            owner=shard.owner[place],
        )

    def _live_entry(self, chain: Chain, match: int, record: tuple[Shard, int], tick: int) -> tuple[int, int, int]:
        """Position, end of life and lifetime of the deepest live entry; position -1 for none."""
        shard, place = record
        if shard.until[place] >= tick:
            return match, shard.until[place], shard.life[place]
        near = match - _BACK
        far = sorted({p for p in (shard.entry[place] - 1, shard.head[place] - 1) if 0 <= p < near}, reverse=True)
        for position in (*range(match - 1, max(near, 0) - 1, -1), *far):
            found = self.prefixes.find(chain.key(position))
            if found is not None and found[0].until[found[1]] >= tick:
                return position, found[0].until[found[1]], found[0].life[found[1]]
        return -1, tick, 0

    def forecast(self, task: str, chain: Chain, sighting: Sighting | None) -> Outlook:
        """How likely each spot of a chain comes again."""
        stage = stage_of(sighting)
        shape = chain.shape
        here, following = gap_class(stage, shape), next_stage(stage)
        asked, ends = questions_of(chain, sighting, stage)
        chances = self._chances(task, stage, asked, ends)
        tail = _tail_begin(asked)
        return Outlook(
            chances,
            self.gaps.stays(here),
            self.gaps.returns(gap_class(following, shape)),
            tail,
            self.tails.stays(here),
            self.tails.returns(gap_class(max(following, next_stage(0)), shape)),
            0.0 if tail == NOWHERE else chances[len(asked) - 1][1],
            self.partings.chance(task, min(stage, 2)),
        )

    def _chances(
        self, task: str, stage: int, asked: Sequence[Question], ends: Sequence[Spot]
    ) -> list[tuple[int, float]]:
        seed = seed_of(task)
        least = 1.0
        chances = []
        for question in asked:
            least = min(least, self.chances.of(seed, question))
            chances.append((question.position, least))
        begun, kind = least, min(stage, 2)
        for position, end in ends:
            least = min(least, begun * self.reach.chance(task, kind, end - TAIL))
            chances.append((position, least))
        return chances

    def observe(
        self,
        task: str,
        chain: Chain,
        at: float,
        entries: Sequence[Entry] = (),
        *,
        read: int | None = None,
        bill: Bill | None = None,
    ) -> Sighting | None:
        """Add a request.

        Args:
            task: its task.
            chain: as it was sent.
            at: when it started, seconds since the epoch.
            entries: what its markers write or refresh, in prompt order.
            read: position of the entry that it read, which lives anew from now; -1 for none, None for what the
                markers should have found.
            bill: what the provider billed, or None when it did not say.

        Returns:
            What was known before.
        """
        prefixes = self.prefixes
        prefixes.start(at)
        tick = prefixes.ticks(at)
        self._waiting.resolve(tick)
        self.pace.add(task, at)
        if bill is not None:
            self.returns.bill(task, bill.model, prompt=bill.prompt, read=bill.read, written=bill.written, at=at)
        before = self.look(chain, at)
        if len(chain):
            hit = _found(before, entries) if read is None else read
            self._number = self._number % _U32 + 1
            if before is not None:
                self._waiting.came_back(before.owner, before.match, hit, tick)
            if not self._waiting.full:
                self._open(task, chain, before, tick, self._written(task, entries, hit, bill))
            self._add_prefixes(chain, before, tick)
            self._add_entries(chain, entries, hit, tick)
        return before

    def _open(self, task: str, chain: Chain, before: Sighting | None, tick: int, written: Written | None) -> None:
        """Wait for the outcome of a request's forecasts."""
        stage = stage_of(before)
        asked, ends = questions_of(chain, before, stage)
        if not asked:
            return
        if written is not None:
            chances = self._chances(task, stage, asked, ends)
            deeper = [chance for position, chance in chances if position >= written.position]
            written = written._replace(chance=deeper[0] if deeper else 0.0)
        seed = seed_of(task)
        waits = [self._ask(seed, question, chain.key(question.position)) for question in asked]
        tail = None
        if ends:
            begin = waits[-1].position, waits[-1].key
            tail = Tail(min(stage, 2), begin, {e.kind - TAIL: (e.position, chain.key(e.position)) for e in ends})
        one = Open(task, tick, seed, gap_class(stage, chain.shape), asked=waits, tail=tail)
        one.written = written
        self._waiting.add(self._number, one)

    def _ask(self, seed: int, question: Question, key: int) -> Asked:
        places = Odds.places(seed, question.features)
        first = score_of(self.chances.first.chance(places, question.prior))
        return Asked(question, key, places, first, self.chances.weight(question))

    def _written(self, task: str, entries: Sequence[Entry], hit: int, bill: Bill | None) -> Written | None:
        """What a request wrote, as far as the provider billed a write."""
        first = next((entry for entry in entries if entry.position > hit), None)
        if first is None or bill is None or not any(bill.written.values()):
            return None
        tokens, read = sum(bill.written.values()), self.returns.of(task, bill.model).read
        return Written(task, bill.model, first.position, first.lifetime, tokens, read)

    def _add_prefixes(self, chain: Chain, before: Sighting | None, tick: int) -> None:
        """The match is visited, and what is new is added: the cost is that of what is new."""
        open_ = self.prefixes.open
        last = len(chain) - 1
        match = -1 if before is None else before.match
        head, turn = 0, 1
        if before is not None:
            shard, place = open_(chain.key(match))
            shard.seen[place] = tick
            shard.owner[place] = self._number
            shard.count[place] = min(shard.count[place] + 1, _U16)
            turn = 1 if is_crowd(before) else min(before.turn + 1, _U8)
            if match < last:
                shard.kids[place] = min(shard.kids[place] + 1, _U8)
            else:
                shard.turn[place] = max(shard.turn[place], turn)
            parts_here = shard.kids[place] > 1 or not shard.turn[place]
            head = min(match + 1, _U16) if parts_here else shard.head[place]
        for position in range(match + 1, last + 1):
            shard, place = open_(chain.key(position))
            shard.seen[place] = tick
            shard.owner[place] = self._number
            shard.count[place] = 1
            shard.head[place] = head
        if match < last:
            end = next((p for p in range(last, match, -1) if chain.markable(p)), last)
            shard, place = open_(chain.key(end))
            shard.turn[place] = turn

    def _add_entries(self, chain: Chain, entries: Sequence[Entry], hit: int, tick: int) -> None:
        """The entry that was read lives anew, and what was written beyond it lives from now."""
        if hit >= 0:
            shard, place = self.prefixes.open(chain.key(hit))
            shard.until[place] = min(tick + int(LIFETIMES[shard.life[place]] * TENTHS), _U32)
        deepest = hit
        for position, lifetime in entries:
            if position > hit:
                shard, place = self.prefixes.open(chain.key(position))
                shard.until[place] = min(tick + int(lifetime * TENTHS), _U32)
                shard.life[place] = LIFETIMES.index(lifetime)
                deepest = max(deepest, position)
        if deepest >= 0:
            last = next((p for p in range(len(chain) - 1, -1, -1) if chain.markable(p)), len(chain) - 1)
            shard, place = self.prefixes.open(chain.key(last))
            shard.entry[place] = min(deepest + 1, _U16)

    def kept_alive(self, chain: Chain, position: int, lifetime: float, at: float) -> None:
        """A request of our own read or wrote an entry, which lives anew from ``at``; no sighting is counted.

        An entry that ends where no prompt has ended yet goes on from the deepest prefix that is known.
        """
        self.prefixes.start(at)
        self._go_on(chain, position)
        self._add_entries(chain, (Entry(position, lifetime),), -1, self.prefixes.ticks(at))

    def _go_on(self, chain: Chain, position: int) -> None:
        """Take a prefix that nobody has sent yet for the end of the request that it goes on from."""
        find = self.prefixes.find
        if find(chain.key(position)) is not None:
            return
        above = next((found for p in range(position - 1, -1, -1) if (found := find(chain.key(p))) is not None), None)
        if above is None:
            return
        known = {name: getattr(above[0], name)[above[1]] for name in _SAME}
        shard, place = self.prefixes.open(chain.key(position))
        for name, value in known.items():
            getattr(shard, name)[place] = value

    def outliving(self, chain: Chain, position: int, lifetime: float, now: float) -> int:
        """Where the deepest entry above a position ends that lives on when one of ``lifetime`` seconds there is gone.

        Its lifetime is longer, and at least half of it is left. -1 for none. Costs a look at each prefix above.
        """
        tick = self.prefixes.ticks(now)
        for above in range(position - 1, -1, -1):
            found = self.prefixes.find(chain.key(above))
            if found is not None:
                life = LIFETIMES[found[0].life[found[1]]]
                if life > lifetime and found[0].until[found[1]] >= tick + life / 2 * TENTHS:
                    return above
        return -1

    def class_of(self, end: int) -> int:
        """The class in ``gaps`` of the request that passed a prefix last; -1 when its outcome is not waited for.

        Args:
            end: key of its whole prompt.
        """
        one = self._waits(end)
        return -1 if one is None else one.stage

    def _waits(self, end: int) -> Open | None:
        record = self.prefixes.find(end)
        return None if record is None else self._waiting.of(record[0].owner[record[1]])

    def later(self, end: int, now: float, lifetime: float) -> Later | None:
        """What is still expected after a request that nothing came back to; None when that cannot be told.

        Args:
            end: key of its whole prompt.
            now: seconds since the epoch.
            lifetime: from now, seconds.
        """
        one = self._waits(end)
        if one is None or one.begin == NOWHERE or one.tail_came is not None:
            return None
        waited = (self.prefixes.ticks(now) - one.tick) / TENTHS
        chance = self.tails.seen_between(one.stage, waited, waited + lifetime)
        if one.tail is not None and one.tail.ends:
            chance *= self.reach.chance(one.task, one.tail.kind, 0)
        stage = one.stage % STAGES
        following = max(next_stage(stage), next_stage(0)) + one.stage - stage
        return Later(chance, self.tails.returns(following))

    def merge(self, other: ReuseEvidence) -> None:
        """Add another's evidence. Its open forecasts stay with it: they are resolved where they were opened."""
        for name in _PARTS:
            mine: Any = getattr(self, name)
            mine.merge(getattr(other, name))

    def advance(self, earlier: ReuseEvidence, now: ReuseEvidence) -> None:
        """Add what was learnt since an earlier state (``evidence.growth``)."""
        for name in _PARTS:
            mine: Any = getattr(self, name)
            mine.advance(getattr(earlier, name), getattr(now, name))

    def advancing(self, earlier: ReuseEvidence, now: ReuseEvidence) -> Iterator[None]:
        """The same, a little at a time."""
        for name in _PARTS:
            yield from steps_of(getattr(self, name), getattr(earlier, name), getattr(now, name))

    def copied(self) -> ReuseEvidence:
        """A copy without its open forecasts; quick, for the tables are arrays."""
        fresh = ReuseEvidence(self.prefixes.limit)
        for name in _PARTS:
            setattr(fresh, name, deepcopy(getattr(self, name)))
        fresh._begin()
        return fresh

    def without_entries(self) -> ReuseEvidence:
        """A copy that knows how prompts come again, but of no cache entry and no bill."""
        fresh = self.copied()
        fresh.prefixes.forget_entries()
        fresh.returns.clear()
        return fresh

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values; keys are digests, no text. Open forecasts are left out."""
        return {name: getattr(self, name).to_builtins() for name in _PARTS}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """The evidence that ``to_builtins`` wrote; ValueError, KeyError or TypeError for anything else."""
        evidence = cls()
        for name, kind in _PARTS.items():
            setattr(evidence, name, kind.from_builtins(value[name]))
        evidence._begin()
        return evidence

    @classmethod
    def difference(cls, earlier: Any, now: Any) -> tuple[Self, Self]:
        """Two states that differ as those that ``to_builtins`` wrote, without the prefixes that are alike."""
        nothing = Prefixes().to_builtins()
        states = tuple(cls.from_builtins({**value, "prefixes": nothing}) for value in (earlier, now))
        states[1].prefixes = Prefixes.difference(earlier["prefixes"], now["prefixes"])
        return states[0], states[1]


_PARTS: dict[str, Any] = {
    "prefixes": Prefixes,
    "chances": Chances,
    "gaps": Gaps,
    "tails": Gaps,
    "reach": Reach,
    "partings": Partings,
    "pace": Pace,
    "returns": Returns,
}


def _found(before: Sighting | None, entries: Sequence[Entry]) -> int:
    """The live entry that a request's markers find, -1 for none."""
    if before is None or not entries or entries[-1].position < before.entry:
        return -1
    return before.entry


def _tail_begin(asked: Sequence[Question]) -> int:
    """Position of the tail's first spot, which is asked about last; ``NOWHERE`` when there is none."""
    return asked[-1].position if asked and asked[-1].kind == TAIL else NOWHERE
