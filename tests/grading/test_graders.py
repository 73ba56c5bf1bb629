from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penstock.engine.steps import Graded
from penstock.errors import UsageError
from penstock.grading.graders import Graders, check_graders, graded
from penstock.policy.load import load_policy
from tests.grading import samples
from tests.grading.pairs import grade

PYTHON = "python:tests.grading.samples:"


class _Service(BaseHTTPRequestHandler):
    """Scores by the path that is asked: /good, /status, /moved, /words, /endless."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good = json.dumps({"reference": 1, "candidate": len(body["candidate"]["text"]) / 10}).encode()
        said = {"/words": b"fine", "/endless": b" " * 200_000 + good}.get(self.path, good)
        self.send_response({"/status": 503, "/moved": 307}.get(self.path, 200))
        if self.path == "/moved":
            self.send_header("location", "/good")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_python_function_scores_a_pair() -> None:
    assert graded(grade(PYTHON + "by_length")) == Graded((0.9, 0.4))
    assert graded(grade(PYTHON + "lenient")) == Graded((1.0, 1.0))


@pytest.mark.parametrize(
    ("name", "error"),
    [("failing", "KeyError"), ("wrong", "not_two_scores_in_0_1"), ("missing", "AttributeError")],
)
def test_what_a_function_raises_is_named_by_its_kind_and_never_quoted(name: str, error: str) -> None:
    assert graded(grade(PYTHON + name, reference="secret")) == Graded(None, error)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/good", Graded((1.0, 0.4))),
        ("/status", Graded(None, "http_503")),
        ("/moved", Graded(None, "http_307")),
        ("/words", Graded(None, "not_two_scores_in_0_1")),
        ("/endless", Graded(None, "not_two_scores_in_0_1")),
    ],
)
def test_a_service_is_asked_by_post_and_never_followed_elsewhere(service: str, path: str, expected: Graded) -> None:
    assert graded(grade(service + path)) == expected


def test_a_service_that_is_not_there_is_no_score() -> None:
    assert graded(grade("http://127.0.0.1:9/")) == Graded(None, "ConnectError")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('print(json.dumps({"reference": 1, "candidate": len(pair["candidate"]["text"]) / 10}))', Graded((1.0, 0.4))),
        ("sys.exit(3)", Graded(None, "exit_3")),
        ('print("fine")', Graded(None, "not_two_scores_in_0_1")),
    ],
)
def test_a_program_reads_the_pair_and_prints_the_scores(tmp_path: Path, program: str, expected: Graded) -> None:
    script = tmp_path / "grade it.py"
    script.write_text(f"import json, sys\npair = json.load(sys.stdin)\n{program}\n")
    assert graded(grade(f"command:{shlex.join([sys.executable, str(script)])}")) == expected


def test_a_program_that_hangs_is_ended_at_its_time_limit() -> None:
    hanging = shlex.join([sys.executable, "-c", "import threading; threading.Event().wait()"])
    assert graded(grade(f"command:{hanging}", timeout_s=0.05)) == Graded(None, "timeout")


async def test_a_function_that_hangs_holds_up_nobody_and_the_others_go_on() -> None:
    graders = Graders(most=2)
    samples.hangs.clear()
    try:
        assert graders.grade(grade(PYTHON + "hanging", timeout_s=0.05)) == Graded(None, "timeout")
        assert graders.grade(grade(PYTHON + "by_length")) == Graded((0.9, 0.4))
        assert await graders.grade_async(grade(PYTHON + "hanging", timeout_s=0.05)) == Graded(None, "timeout")
        assert graders.grade(grade(PYTHON + "by_length", timeout_s=0.05)) == Graded(None, "timeout")  # both are taken
    finally:
        samples.hangs.set()
    assert await graders.grade_async(grade(PYTHON + "by_length")) == Graded((0.9, 0.4))


def test_a_function_that_cannot_be_imported_is_found_at_the_start() -> None:
    for name in ("missing", "NOT_A_FUNCTION"):
        policy = load_policy(f'[tasks.a.gate]\ncandidate = "m"\ngrader = "{PYTHON}{name}"\n')
        with pytest.raises(UsageError, match=r"tasks\.a\.gate\.grader"):
            check_graders(policy)
    check_graders(load_policy(f'[tasks.a.gate]\ncandidate = "m"\ngrader = "{PYTHON}lenient"\n'))
