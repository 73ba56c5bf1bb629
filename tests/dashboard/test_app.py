from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from penstock.dashboard.app import HEADERS
from penstock.ledger.sqlite import open_ledger
from tests.dashboard.ledgers import ALARM, ARITHMETIC, HOSTILE, mixed, with_gate, write
from tests.dashboard.serving import Checked, serving
from tests.ledger.calls import call

PATHS = ("/", "/tasks", "/calls", "/calls/call_0006", "/traces/run%2F1%20%3Cb%3E")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    path = with_gate(write(tmp_path_factory.mktemp("pages") / "ledger.db", mixed()))
    with serving(path) as client:
        yield client


def shown(client: httpx2.Client, path: str) -> Checked:
    response = client.get(path)
    assert response.status_code == 200
    return Checked(response.text)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_well_formed_runs_nothing_and_loads_only_its_own(client: httpx2.Client, path: str) -> None:
    response = client.get(path)
    found = Checked(response.text)
    assert response.status_code == 200
    assert found.faults == []
    assert set(found.loads) <= {"/style.css", "/mark.svg", "/calls"}
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "script" not in HEADERS["content-security-policy"]
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_every_link_of_every_page_leads_to_a_page(client: httpx2.Client) -> None:
    waiting, seen = ["/"], set[str]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += shown(client, path).links
    assert {"/tasks", "/calls", "/calls/call_0007", "/traces/run%2F1%20%3Cb%3E", "/?period=day"} <= seen


def test_what_the_pages_load_is_there(client: httpx2.Client) -> None:
    for path, kind in (("/style.css", "text/css"), ("/mark.svg", "image/svg+xml")):
        assert client.get(path).headers["content-type"].startswith(kind)


def test_names_from_outside_are_text_wherever_they_stand(client: httpx2.Client) -> None:
    for path in ("/", "/tasks", "/calls", "/calls/call_0006"):
        assert HOSTILE not in client.get(path).text
    assert HOSTILE in shown(client, "/tasks").text
    only = client.get("/calls", params={"task": HOSTILE})
    assert "call_0006" in only.text
    assert "call_0005" not in only.text


def test_the_overview_has_bill_levers_proof_unknowns_and_alarms(client: httpx2.Client) -> None:
    text = shown(client, "/").text
    assert "$1.765432109884" in text
    assert "2 of unknown cost, in no sum" in text
    assert "1 answered, usage unknown" in text
    assert "1 of 7 calls have simulated answers" in text
    assert "Nobody was held back" in text
    for part in (ALARM, ARITHMETIC, "trim: KeyError", "route", "no edit"):
        assert part in text


def test_tasks_have_evidence_samples_still_needed_and_the_arithmetic_of_stand_downs(client: httpx2.Client) -> None:
    text = shown(client, "/tasks").text
    assert "still needed: " in text
    assert "pairs 10, mean difference +0.000" in text
    assert f"cache stands down in 1 call, the last: {ARITHMETIC}" in text


def test_a_call_shows_edits_with_their_why_and_its_sum(client: httpx2.Client) -> None:
    text = shown(client, "/calls/call_0001").text
    assert "claude-opus-4-5 -> claude-haiku-4-5" in text
    assert "12,000 read x $0.1/M" in text
    assert "treated: the edits below were sent" in text
    assert "have simulated answers" not in text
    assert "Simulated: the 1 call has simulated answers" in text
    assert "unknown" in shown(client, "/calls/call_0005").text


def test_a_run_marks_the_first_step_that_went_wrong_and_no_other(client: httpx2.Client) -> None:
    page = client.get("/traces/run%2F1%20%3Cb%3E").text
    assert page.count('class="first"') == page.count("first to go wrong") == 1
    text = Checked(page).text
    assert "First at step 2 (triage): shadow claude-haiku-4-5 disagreed by 1.00 (fields differ)." in text
    assert "1 of the 1 steps after it failed too" in text


@pytest.mark.parametrize("path", ["/calls/none", "/traces/none", "/nowhere", "/?period=century"])
def test_what_is_not_there_is_a_page_that_says_so(client: httpx2.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert Checked(response.text).faults == []
    assert "Not found" in response.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_pages_are_for_reading_only(client: httpx2.Client, method: str) -> None:
    assert client.request(method, "/calls/call_0001").status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8788", 200), ("evil.example", 421), ("evil.example:8788", 421)],
)
def test_only_a_name_of_ours_is_answered(client: httpx2.Client, host: str, status: int) -> None:
    response = client.get("/", headers={"host": host})
    assert response.status_code == status
    assert response.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_a_call_that_is_written_meanwhile_is_on_the_next_page_and_its_writer_does_not_wait(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger, serving(tmp_path / "l.db") as client:
        assert "No calls yet" in client.get("/").text
        ledger.append([call(1)])
        assert "call_0001" in client.get("/calls").text


def test_a_ledger_that_is_gone_is_a_page_with_a_hint_and_comes_back(tmp_path: Path) -> None:
    path = write(tmp_path / "l.db", [call(1)])
    with serving(path) as client:
        path.rename(tmp_path / "away.db")
        response = client.get("/calls")
        assert response.status_code == 503
        assert "Hint: penstock serve --ledger FILE writes one" in Checked(response.text).text
        (tmp_path / "away.db").rename(path)
        assert client.get("/calls").status_code == 200


def test_pages_meant_for_other_machines_are_answered_under_any_name(tmp_path: Path) -> None:
    with serving(write(tmp_path / "l.db", [call(1)]), host="0.0.0.0") as client:  # noqa: S104 - no such socket is bound
        assert client.get("/", headers={"host": "costs.example"}).status_code == 200
