from __future__ import annotations

from typing import Any

from penstock.demo.workloads import LABELS, Clients, traffic


class Asked(Exception):  # noqa: N818 - a message, not an error
    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__()
        self.request = request


class Caught:
    """Stands where an SDK resource stands and shows what a program asks it."""

    def create(self, **request: Any) -> None:
        raise Asked(request)

    @property
    def completions(self) -> Caught:
        return self

    chat = messages = completions


def requests(seed: int, start: float = 0.0) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for call in traffic(seed, start, 600.0, scale=0.05):
        try:
            call.send(Clients(openai=Caught(), anthropic=Caught()))  # type: ignore[arg-type]
        except Asked as asked:
            found.append((call.task, asked.request))
    return found


def test_a_day_is_the_same_for_the_same_seed_and_in_time_order() -> None:
    assert requests(3) == requests(3)
    times = [call.at for call in traffic(3, 100.0, 600.0, scale=0.05)]
    assert times == sorted(times)
    assert times[0] >= 100.0


def test_instructions_stay_from_day_to_day_and_the_material_is_new() -> None:
    first, second = (dict(requests(seed)) for seed in (1, 2))
    extraction = "contract-extraction"
    assert first[extraction]["system"] == second[extraction]["system"]
    assert first[extraction]["messages"] != second[extraction]["messages"]


def test_the_triage_prompt_begins_with_the_time_of_the_call() -> None:
    triage = [request for task, request in requests(1) if task == "email-triage"]
    systems = {request["system"] for request in triage}
    assert len(systems) > 1
    assert len({system.split("\n", 1)[1] for system in systems}) == 1
    assert all(label in next(iter(systems)) for label in LABELS)
