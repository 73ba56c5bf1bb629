"""Runs graders beside the traffic: a few threads, a time limit, and no failure that reaches a caller.

python:MODULE:FUNCTION   is called with the pair as a dict and gives two scores, a pair or a mapping
command:PROGRAM ARGS     reads the pair's JSON on standard input and prints the scores' JSON; no shell
http(s)://...            gets the pair's JSON by POST and answers 200 with the scores' JSON; no redirects, no proxies
"""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx2
import msgspec

from penstock.engine.steps import Grade, Graded
from penstock.errors import UsageError
from penstock.grading.contract import LONGEST, BadScores, material, read_scores, scores_of
from penstock.policy.schema import Policy

MOST = 8
"""Pairs that are graded at once; others wait, within their time limit."""

_OK = 200
_Job = tuple[Grade, "Future[Graded]"]


class Graders:
    """The graders of one process.

    Args:
        most: pairs that are graded at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    def grade(self, grade: Grade) -> Graded:
        """Grade a pair and wait for it; never raises."""
        job = self._submit(grade)
        try:
            return job.result(grade.timeout_s)
        except TimeoutError:
            job.cancel()
            return Graded(None, "timeout")

    async def grade_async(self, grade: Grade) -> Graded:
        """The same, without blocking the loop."""
        job = self._submit(grade)
        try:
            async with asyncio.timeout(grade.timeout_s):
                return await asyncio.wrap_future(job)
        except TimeoutError:
            return Graded(None, "timeout")

    def _submit(self, grade: Grade) -> Future[Graded]:
        job: Future[Graded] = Future()
        self._jobs.put((grade, job))
        with self._lock:
            self._unfinished += 1
            if self._threads < min(self._unfinished, self._most):
                self._threads += 1
                # a daemon: a grader that hangs may not keep the process from ending
                threading.Thread(target=self._work, name="penstock-grader", daemon=True).start()
        return job

    def _work(self) -> None:
        while True:
            grade, job = self._jobs.get()
            if job.set_running_or_notify_cancel():
                job.set_result(graded(grade))
            with self._lock:
                self._unfinished -= 1


def graded(grade: Grade) -> Graded:
    """Grade a pair here and now; what goes wrong is named by its kind only."""
    try:
        return Graded(_scores(grade))
    except BadScores:
        return Graded(None, "not_two_scores_in_0_1")
    except (httpx2.TimeoutException, subprocess.TimeoutExpired):
        return Graded(None, "timeout")
    except _Failed as error:
        return Graded(None, str(error))
    except Exception as error:  # noqa: BLE001 - a grader is not our code; whatever it raises, its message is not shown
        return Graded(None, type(error).__name__)


def check_graders(policy: Policy) -> None:
    """Find every Python function that a policy's gates name: graders and embeddings.

    Raises:
        UsageError: one cannot be imported.
    """
    for name, task in [
        ("defaults", policy.defaults),
        *((f"tasks.{name}", task) for name, task in policy.tasks.items()),
    ]:
        named = {} if task.gate is None else {"grader": task.gate.grader, "embedding": task.gate.embedding}
        for key, spec in named.items():
            if spec is None or not spec.startswith("python:"):
                continue
            try:
                function_of(spec)
            except Exception as error:  # noqa: BLE001 - the import runs the user's code
                raise UsageError(
                    f"{name}.gate.{key}: {spec!r} cannot be imported: {type(error).__name__}",
                    hint="python:MODULE:FUNCTION, of an installed module or one in the working directory",
                ) from None


class _Failed(Exception):  # noqa: N818 - never leaves this module
    """A grader that ran and failed; the message names how."""


def _scores(grade: Grade) -> tuple[float, float]:
    if grade.grader.startswith("python:"):
        return scores_of(function_of(grade.grader)(msgspec.json.decode(material(grade))))
    if grade.grader.startswith("command:"):
        return _by_command(grade)
    return _by_http(grade)


def function_of(spec: str) -> Callable[[Any], Any]:
    """The function that ``python:MODULE:FUNCTION`` names; whatever its import raises."""
    module, _, name = spec.removeprefix("python:").rpartition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # as `python -m` would have it; console scripts do not
    found: Callable[[Any], Any] = getattr(import_module(module), name)
    if not callable(found):
        raise TypeError
    return found


def _by_command(grade: Grade) -> tuple[float, float]:
    arguments = shlex.split(grade.grader.removeprefix("command:"))
    done = subprocess.run(  # noqa: S603 - the policy's own program, without a shell
        arguments, input=material(grade), capture_output=True, timeout=grade.timeout_s, check=False
    )
    if done.returncode != 0:
        raise _Failed(f"exit_{done.returncode}")
    return read_scores(done.stdout[:LONGEST])


def _by_http(grade: Grade) -> tuple[float, float]:
    headers = {"content-type": "application/json"}
    with (
        httpx2.Client(trust_env=False, follow_redirects=False, timeout=grade.timeout_s) as client,
        client.stream("POST", grade.grader, content=material(grade), headers=headers) as response,
    ):
        if response.status_code != _OK:
            raise _Failed(f"http_{response.status_code}")
        return read_scores(_most_of(response.iter_bytes()))


def _most_of(pieces: Iterable[bytes]) -> bytes:
    found = b""
    for piece in pieces:
        found += piece
        if len(found) > LONGEST:
            raise BadScores
    return found
