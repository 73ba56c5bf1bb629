from __future__ import annotations

import json

import pytest

from penstock.errors import (
    UpstreamClosed,
    UpstreamError,
    UpstreamLeftAlone,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from penstock.gateway.problems import Problem, answer_of, error_kind, too_large, unreachable


def test_a_problem_has_the_shape_of_the_provider() -> None:
    problem = Problem(status=429, message="full", code="overloaded", retry_after=3, retry=True)
    lines, body = answer_of(problem, "anthropic", "call_1")
    headers = dict(lines)
    assert json.loads(body)["error"]["type"] == "rate_limit_error"
    assert json.loads(body)["request_id"] == "call_1"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert (headers[b"retry-after"], headers[b"x-should-retry"], headers[b"request-id"]) == (b"3", b"true", b"call_1")
    lines, body = answer_of(problem, "openai", "call_1")
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    assert dict(lines)[b"x-request-id"] == b"call_1"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UpstreamTimeout("t"), 504, "timeout"),
        (UpstreamUnreachable("u"), 502, "connect"),
        (UpstreamLeftAlone("l", retry_after=7.2), 503, "connect"),
        (UpstreamClosed("c"), 502, "closed_by_provider"),
        (UpstreamProtocolError("p"), 502, "upstream_protocol"),
    ],
)
def test_each_failure_of_the_way_has_its_status(error: UpstreamError, status: int, kind: str) -> None:
    assert unreachable(error).status == status
    assert error_kind(error) == kind


def test_what_the_reader_can_do_stands_behind_the_message() -> None:
    error = UpstreamUnreachable("cannot connect", hint="check the base URL")
    _, body = answer_of(unreachable(error), "openai", "call_1")
    assert json.loads(body)["error"]["message"] == "Penstock: cannot connect; hint: check the base URL"
    _, body = answer_of(unreachable(UpstreamClosed("closed without an answer")), "openai", "call_1")
    assert "hint: the provider may have worked on the request" in json.loads(body)["error"]["message"]
    _, body = answer_of(Problem(status=429, message="full"), "openai", "call_1")
    assert json.loads(body)["error"]["message"] == "Penstock: full"


@pytest.mark.parametrize(("seconds", "told"), [(7.2, 8), (0.0, 1)])
def test_a_provider_that_is_left_alone_is_worth_another_try_when_it_is_probed(seconds: float, told: int) -> None:
    problem = unreachable(UpstreamLeftAlone("left alone", retry_after=seconds))
    assert (problem.status, problem.code, problem.retry_after) == (503, "upstream_left_alone", told)


def test_a_body_that_is_too_large_is_not_worth_a_retry() -> None:
    assert (too_large(5).status, too_large(5).retry) == (413, False)
