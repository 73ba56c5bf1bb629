"""Labels for the calls of a piece of code: ``with task("triage"): ...`` or ``@task("triage")``.

They live in context variables, so they follow threads started with a copied context, and asyncio tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from os import urandom

import msgspec

from penstock.engine.labels import NO_LABELS, Labels

_current: ContextVar[Labels] = ContextVar("penstock_labels", default=NO_LABELS)
_process = urandom(4).hex()
_runs = count(1)


def current_labels() -> Labels:
    """The labels in force here."""
    return _current.get()


@contextmanager
def task(name: str, *, session: str | None = None, tags: dict[str, str] | None = None) -> Iterator[None]:
    """Label the calls made inside with what they are for. Works as a decorator too; the innermost name counts.

    Args:
        name: of the task.
        session: conversation key; None keeps the one in force.
        tags: added to the tags in force.
    """
    outer = _current.get()
    labels = msgspec.structs.replace(
        outer, task=name, session=session or outer.session, tags={**outer.tags, **(tags or {})}
    )
    with _in_force(labels):
        yield


@contextmanager
def pipeline(name: str, *, trace: str | None = None) -> Iterator[str]:
    """Label the calls made inside as one run of a pipeline; gives the run's trace key.

    Args:
        name: of the pipeline; it becomes the tag ``pipeline``.
        trace: the run's key; None makes a new one.
    """
    outer = _current.get()
    key = trace if trace is not None else f"{name}-{_process}-{next(_runs)}"
    with _in_force(msgspec.structs.replace(outer, trace=key, tags={**outer.tags, "pipeline": name})):
        yield key


@contextmanager
def bypass() -> Iterator[None]:
    """Turn Penstock off for the calls made inside; they are still recorded."""
    with _in_force(msgspec.structs.replace(_current.get(), bypass=True)):
        yield


@contextmanager
def _in_force(labels: Labels) -> Iterator[None]:
    token = _current.set(labels)
    try:
        yield
    finally:
        _current.reset(token)


def joined(outer: Labels, inner: Labels) -> Labels:
    """The labels of one call: its own headers (``inner``) over those in force (``outer``)."""
    if inner is NO_LABELS:
        return outer
    return Labels(
        task=inner.task or outer.task,
        session=inner.session or outer.session,
        trace=inner.trace or outer.trace,
        tags={**outer.tags, **inner.tags},
        bypass=inner.bypass or outer.bypass,
    )
