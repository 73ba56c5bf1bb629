from __future__ import annotations

from penstock.evidence.gaps import STAGES
from penstock.evidence.sightings import Shape, Sighting
from penstock.evidence.spots import (
    HEAD,
    LANDMARK,
    LAST_STAGE,
    MATCH,
    TAIL,
    TAILS,
    Spot,
    gap_class,
    next_stage,
    questions_of,
    spots_of,
    stage_of,
)
from tests.levers.cache.prompts import Blocks


class Bare(Blocks):
    """A chain whose places may be unmarkable."""

    def markable(self, position: int) -> bool:
        return self.names[position] != "-"


def seen(match: int, head: int = -1, **more: int) -> Sighting:
    known = {"match": match, "head": head, **more}
    return Sighting(**{**dict.fromkeys(Sighting._fields, 0), **known})


def test_a_new_prompt_has_its_landmarks_and_its_tail() -> None:
    assert spots_of(Blocks("abcdefgh", landmarks=(0, 2)), None) == [
        Spot(0, LANDMARK),
        Spot(2, LANDMARK),
        *(Spot(position, TAIL + 7 - position) for position in range(3, 8)),
    ]


def test_where_prompts_part_is_a_spot_and_so_is_what_is_known() -> None:
    found = spots_of(Blocks("abcdefgh"), seen(match=3, head=1))
    assert found[:2] == [Spot(1, HEAD), Spot(3, MATCH)]
    assert [spot.position for spot in found[2:]] == [4, 5, 6, 7]


def test_a_match_that_may_not_be_marked_is_marked_above() -> None:
    assert spots_of(Bare("ab--efgh"), seen(match=3))[0] == Spot(1, MATCH)


def test_places_that_may_not_be_marked_are_never_spots() -> None:
    assert all("ab-d-f--"[spot.position] != "-" for spot in spots_of(Bare("ab-d-f--", landmarks=(2,)), seen(match=0)))


def test_the_tail_is_a_few_places_however_long_the_prompt() -> None:
    assert len([s for s in spots_of(Blocks("a" * 200), None) if s.kind >= TAIL]) == TAILS


def test_a_conversation_goes_through_its_stages_to_the_last() -> None:
    assert stage_of(None) == 0
    assert stage_of(seen(match=3)) == 1
    assert stage_of(seen(match=3, turn=2, kids=9)) == 1
    stages = [stage_of(seen(match=3, turn=turn)) for turn in (1, 2, 3, 4, 9, 10, 500)]
    assert stages == sorted(stages)
    assert (stages[0], stages[-1]) == (2, LAST_STAGE)
    assert next_stage(0) == 2
    assert next_stage(1) == 1
    assert next_stage(LAST_STAGE) == LAST_STAGE


def test_questions_tell_stages_visits_and_sizes_apart() -> None:
    def told(tokens: int = 1000, **known: int) -> tuple[int, ...]:
        asked, _ = questions_of(Blocks("abcdefgh", tokens), seen(match=1, **known), 2)
        return asked[-1].features

    assert told() == told()
    assert len({told(), told(visits=3), told(kids=2), told(gap=200), told(tokens=9000)}) == 5


def test_shared_spots_are_asked_about_and_the_beginning_of_the_tail() -> None:
    asked, ends = questions_of(Blocks("abcdefghij", landmarks=(3,)), seen(match=2, head=0), 1)
    told = [(question.position, question.kind) for question in asked]
    assert told == [(0, HEAD), (2, MATCH), (3, LANDMARK), (4, TAIL)]
    assert ends == [Spot(position, TAIL + 9 - position) for position in range(5, 10)]
    assert [question.stake for question in asked] == [1000, 3000, 4000, 7000]


def test_a_prompt_without_a_tail_has_no_ends() -> None:
    asked, ends = questions_of(Blocks("abc"), seen(match=2), 2)
    assert [question.kind for question in asked] == [MATCH]
    assert ends == []


def test_a_step_of_a_tool_loop_is_expected_to_go_on_and_a_first_prompt_hardly() -> None:
    chain = Blocks("abc")
    priors = []
    for shape in (Shape.FIRST, Shape.DIALOGUE, Shape.DIALOGUE_WITH_TOOLS, Shape.TOOL_RESULT):
        chain.shape = shape
        priors.append(questions_of(chain, None, 0)[0][-1].prior)
    assert priors == sorted(priors)
    assert priors[0] < 0.0 < priors[-1]


def test_stages_of_dialogues_and_of_tool_loops_are_classes_of_their_own() -> None:
    classes = {gap_class(stage, shape) for stage in range(LAST_STAGE + 1) for shape in Shape}
    assert classes == set(range(3 * STAGES))
