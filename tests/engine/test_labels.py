from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.labels import LONGEST, MOST_TAGS, NO_LABELS, read_labels


def test_a_call_without_our_headers_has_no_labels() -> None:
    assert read_labels({}) is NO_LABELS
    assert read_labels({"x-other": "1"}) == NO_LABELS


def test_headers_become_labels() -> None:
    labels = read_labels(
        {
            "x-penstock-task": " triage ",
            "x-penstock-session": "s1",
            "x-penstock-trace": "t1",
            "x-penstock-tags": "team=search, beta ,env=",
            "x-penstock-bypass": "1",
        }
    )
    assert (labels.task, labels.session, labels.trace, labels.bypass) == ("triage", "s1", "t1", True)
    assert labels.tags == {"team": "search", "beta": "beta", "env": ""}


def test_a_bypass_can_be_written_as_off() -> None:
    assert not any(read_labels({"x-penstock-bypass": word}).bypass for word in ("0", "false", "", "Off"))


@settings(max_examples=50)
@given(st.text(), st.text())
def test_whatever_a_header_holds_labels_are_short_and_printable(task: str, tags: str) -> None:
    labels = read_labels({"x-penstock-task": task, "x-penstock-tags": tags})
    words = [labels.task or "", *labels.tags, *labels.tags.values()]
    assert all(len(word) <= LONGEST and word.isprintable() for word in words)
    assert len(labels.tags) <= MOST_TAGS
