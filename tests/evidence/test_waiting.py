from __future__ import annotations

from penstock.evidence.chances import Chances
from penstock.evidence.gaps import Gaps
from penstock.evidence.odds import Odds
from penstock.evidence.partings import Partings
from penstock.evidence.prefixes import Prefixes
from penstock.evidence.reach import Reach
from penstock.evidence.returns import Returns
from penstock.evidence.spots import HEAD, TAIL, Question
from penstock.evidence.waiting import LIMIT, Asked, Open, Tail, Waiting, Written

QUESTION = Question(position=3, kind=TAIL, features=(1,), group=(9,), prior=0.0, stake=100)

HEAD_QUESTION = Question(position=1, kind=HEAD, features=(2,), group=(8,), prior=0.0, stake=50)


class World:
    """A waiting room with what it teaches; times are in seconds."""

    def __init__(self) -> None:
        self.chances, self.gaps, self.tails, self.reach, self.returns = Chances(), Gaps(), Gaps(), Reach(), Returns()
        self.prefixes, self.partings = Prefixes(), Partings()
        self.prefixes.start(0.0)
        self.waiting = Waiting(
            self.prefixes,
            self.chances,
            self.gaps,
            self.tails,
            reach=self.reach,
            partings=self.partings,
            returns=self.returns,
        )

    def ask(self, number: int, at: float, written: Written | None = None, *, headed: bool = False) -> None:
        asked = Asked(QUESTION, 100 + number, Odds.places(1, QUESTION.features), 0.0, 1.0)
        above = Asked(HEAD_QUESTION, 50, Odds.places(1, HEAD_QUESTION.features), 0.0, 1.0)
        tail = Tail(0, (3, 100 + number), {0: (5, 200 + number)})
        one = Open("task", self.prefixes.ticks(at), 1, 0, asked=[above, asked] if headed else [asked], tail=tail)
        one.written = written
        self.waiting.add(number, one)

    def come(self, number: int, at: float, match: int, hit: int = -1) -> None:
        self.waiting.came_back(number, match, hit, self.prefixes.ticks(at))

    def pass_to(self, at: float) -> None:
        self.waiting.resolve(self.prefixes.ticks(at))

    @property
    def chance(self) -> float:
        return self.chances.first.chance(Odds.places(1, (1,)), 0.0)


def test_a_return_answers_at_once() -> None:
    world = World()
    world.ask(1, 0.0)
    world.come(1, 5.0, match=3)
    assert world.chance > 0.5


def test_a_return_that_shares_less_answers_nothing() -> None:
    world = World()
    world.ask(1, 0.0)
    world.come(1, 5.0, match=2)
    assert world.chance == 0.5


def test_what_is_open_is_doubted_more_with_its_age_and_the_doubt_ends_with_the_answer() -> None:
    world = World()
    world.ask(1, 0.0)
    seen = [world.chance]
    for age in (59.0, 61.0, 151.0):
        world.pass_to(age)
        seen.append(world.chance)
    assert seen[0] == seen[1] > seen[2] > seen[3]
    world.come(1, 160.0, match=3)
    prompt = World()
    prompt.ask(1, 0.0)
    prompt.come(1, 1.0, match=3)
    assert abs(world.chance - prompt.chance) < 1e-9


def test_what_did_not_come_in_five_minutes_has_not_come() -> None:
    world = World()
    world.ask(1, 0.0)
    world.pass_to(301.0)
    below = world.chance
    world.come(1, 302.0, match=3)
    assert world.chance == below < 0.5
    assert world.chances.second.examples == 1


def test_how_deep_a_return_reaches_is_counted_when_the_lifetime_is_over() -> None:
    world = World()
    world.ask(1, 0.0)
    world.ask(2, 0.0)
    world.come(1, 5.0, match=3)
    world.come(2, 5.0, match=5)
    world.pass_to(301.0)
    counts = world.reach.to_builtins()["tasks"]["task"]
    assert counts[:2] == [2.0, 1.0]


def test_a_written_entry_that_nobody_reads_is_settled_when_its_life_is_over() -> None:
    world = World()
    for number, hit in ((1, -1), (2, 3)):
        world.ask(number, 0.0, Written(f"task {number}", "model", 3, 300.0, 1000, 0, 0.75))
        world.come(number, 5.0, match=3, hit=hit)
    world.pass_to(301.0)
    assert world.returns.of("task 1", "model").unread == 0.75
    assert world.returns.of("task 2", "model").unread == 0.0


def test_no_more_requests_wait_than_the_limit() -> None:
    world = World()
    for number in range(LIMIT + 10):
        world.ask(number, 0.0)
    assert world.waiting.full
    world.pass_to(301.0)
    assert world.gaps.to_builtins()["all"][0][0] == LIMIT


def test_what_comes_again_in_part_is_waited_for_until_its_tail_does() -> None:
    world = World()
    world.ask(1, 0.0)
    world.come(1, 5.0, match=2)
    world.pass_to(400.0)
    world.come(1, 450.0, match=3)
    world.pass_to(4000.0)
    soon, late = world.gaps.hazards(0), world.tails.hazards(0)
    assert soon[0] > 0.5 > late[0]
    assert late[1] > 0.3


def test_a_request_that_shares_what_is_above_the_tail_alone_has_parted() -> None:
    world = World()
    world.ask(1, 0.0, headed=True)
    world.come(1, 5.0, match=3)
    world.pass_to(400.0)
    assert world.partings.chance("task", 0) == 0.0
    world.ask(2, 400.0, headed=True)
    world.come(2, 405.0, match=3)
    world.come(2, 406.0, match=1)
    world.pass_to(800.0)
    assert world.partings.chance("task", 0) > 0.0


def test_a_request_that_shares_less_than_the_last_spot_above_the_tail_tells_nothing_of_it() -> None:
    world = World()
    world.ask(1, 0.0, headed=True)
    world.come(1, 5.0, match=0)
    world.pass_to(400.0)
    assert world.partings.chance("task", 0) == 0.0
