from __future__ import annotations

from penstock.evidence.sightings import Sighting
from penstock.evidence.spots import (
    HEAD,
    LANDMARK,
    LAST_STAGE,
    MATCH,
    TAIL,
    TAILS,
    Spot,
    features_of,
    next_stage,
    spots_of,
    stage_of,
)
from tests.levers.cache.prompts import Blocks


class Bare(Blocks):
    """A chain whose places may be unmarkable."""

    def markable(self, position: int) -> bool:
        return self.names[position] != "-"


def seen(match: int, head: int = -1, turn: int = 0, kids: int = 0) -> Sighting:
    known = {"match": match, "head": head, "turn": turn, "kids": kids}
    return Sighting(**{**dict.fromkeys(Sighting._fields, 0), **known})


def test_a_new_prompt_has_its_landmarks_and_its_tail() -> None:
    assert spots_of(Blocks("abcdefgh", landmarks=(0, 2)), None) == [
        Spot(0, LANDMARK),
        Spot(2, LANDMARK),
        *(Spot(position, TAIL + 7 - position) for position in range(4, 8)),
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


def test_features_tell_spots_stages_and_sizes_apart() -> None:
    chain = Blocks("abcdefgh")
    told = dict(features_of(chain, None, 0))
    assert len({codes[0] for codes in told.values()}) == len(told)
    later = dict(features_of(chain, None, 2))
    assert all(told[spot][0] == later[spot][0] and told[spot][1] != later[spot][1] for spot in told)
    larger = dict(features_of(Blocks("abcdefgh", tokens=9000), None, 0))
    assert all(told[spot][3] != larger[spot][3] for spot in told)
