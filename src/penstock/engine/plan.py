"""A plan: the accepted edits, the bytes that come of them, and the price before and after."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.engine.edit import Edit, Note
from penstock.engine.facts import Facts
from penstock.engine.quote import Quote
from penstock.errors import MalformedRequest
from penstock.money import Picodollars, exact_usd, format_usd
from penstock.policy.schema import Mode
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.body import apply as apply_operations
from penstock.wire.view import View


class Refusal(msgspec.Struct, frozen=True):
    """An edit that was proposed and not taken, and why."""

    edit: Edit
    why: str


class Failure(msgspec.Struct, frozen=True):
    """A lever that raised; its edits were left out.

    Attributes:
        lever: its name.
        error: the type of the error; its text is not kept, because it may hold prompt text.
    """

    lever: str
    error: str


class Stage(msgspec.Struct, frozen=True):
    """One lever's accepted edits; their paths are places in the body that the stages before it left."""

    lever: str
    edits: tuple[Edit, ...]

    def operations(self) -> list[Operation]:
        """The stage as operations on a body."""
        return [Operation(edit.path, edit.action.value, edit.value) for edit in self.edits]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be done to one request, and what of it is done.

    Attributes:
        view: the request as the client sent it.
        task: its task.
        mode: ``observe`` sends the client's bytes whatever the plan says.
        stages: accepted edits by lever, in order.
        refused: proposals that were not taken.
        failures: levers that raised.
        notes: why levers stood down, and what they wait for.
        planned: the request after all edits; the very ``view`` when there are none.
        before: the expected price of the client's request.
        after: the expected price of ``body``.
        facts: what the plan was made from.
    """

    view: View
    task: str
    mode: Mode
    stages: tuple[Stage, ...]
    refused: tuple[Refusal, ...]
    failures: tuple[Failure, ...]
    notes: tuple[Note, ...] = ()
    planned: View
    before: Quote
    after: Quote
    facts: Facts

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All accepted edits, in order."""
        return tuple([edit for stage in self.stages for edit in stage.edits]) if self.stages else ()

    @property
    def body(self) -> bytes:
        """The bytes after all edits; the client's own object when there are none."""
        return self.planned.raw

    @property
    def model(self) -> str:
        """The model that ``body`` names."""
        return self.planned.model

    @property
    def sent_body(self) -> bytes:
        """What the mode lets out: ``body`` under apply, else the client's bytes."""
        return self.body if self.mode == "apply" else self.view.raw

    @property
    def sent_model(self) -> str:
        """The model that ``sent_body`` names."""
        return self.model if self.mode == "apply" else self.view.model

    @property
    def price_before(self) -> Picodollars | Unknown:
        """The expected price of the client's request."""
        return self.before.price

    @property
    def price_after(self) -> Picodollars | Unknown:
        """The expected price of the planned request; a cache write shows as a higher price here and pays later."""
        return self.after.price

    @property
    def saving(self) -> Picodollars | Unknown:
        """The expected saving of the edits, later reads included; never negative. Unknown when no edit has a figure."""
        known = [edit.saving for edit in self.edits if not isinstance(edit.saving, Unknown)]
        if not known and self.edits:
            return Unknown("no edit has a known saving")
        return Picodollars(sum(known))

    def has(self, lever: str) -> bool:
        """Whether an edit of a lever was accepted."""
        return bool(self.stages) and any(stage.lever == lever for stage in self.stages)

    def body_without(self, lever: str) -> bytes:
        """The planned bytes had one lever not acted; the client's bytes when the rest needs its edits."""
        body = self.view.raw
        try:
            for stage in self.stages:
                if stage.lever != lever:
                    body = apply_operations(body, stage.operations())
        except (ValueError, MalformedRequest):
            return self.view.raw
        return body

    def header(self) -> str:
        """One short line for ``x-penstock-plan``: mode, edits by lever, saving in USD, failures."""
        counts = [f"{stage.lever}={len(stage.edits)}" for stage in self.stages]
        saving = self.saving
        parts = [self.mode, *(counts or ["none"])]
        parts.append(f"saving={'unknown' if isinstance(saving, Unknown) else exact_usd(saving)}")
        if self.failures:
            parts.append("failed=" + ",".join(failure.lever for failure in self.failures))
        return " ".join(parts)

    def explain(self) -> str:
        """The plan's arithmetic in lines for people."""
        from penstock.engine.explain import explain  # noqa: PLC0415 - explain reads plans

        return explain(self)

    def as_json(self) -> dict[str, Any]:
        """The plan as plain JSON values: money in picodollars (null when unknown), no prompt text."""
        from penstock.engine.explain import unsaid  # noqa: PLC0415 - explain reads plans

        return {
            "task": self.task,
            "mode": self.mode,
            "model_asked": self.view.model,
            "model": self.model,
            "applied": self.mode == "apply" and self.body is not self.view.raw,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "saving": pico(self.saving),
            "edits": [edit_json(edit) for edit in self.edits],
            "refused": [{**edit_json(one.edit), "refused": one.why} for one in self.refused],
            "notes": [{"lever": one.lever, "did": one.did, "why": one.why} for one in (*self.notes, *unsaid(self))],
            "failures": [{"lever": one.lever, "error": one.error} for one in self.failures],
        }


def pico(amount: Picodollars | Unknown) -> int | None:
    """Picodollars as JSON: null when unknown."""
    return None if isinstance(amount, Unknown) else int(amount)


def shown(amount: Picodollars | Unknown) -> str:
    """Money for people: ``$0.0041``, or ``unknown: why``."""
    return f"unknown ({amount.why})" if isinstance(amount, Unknown) else format_usd(amount)


def edit_json(edit: Edit) -> dict[str, Any]:
    """An edit as plain JSON; its value is left out, because it may hold prompt text."""
    return {
        "lever": edit.lever,
        "action": edit.action.value,
        "path": list(edit.path),
        "risk": edit.risk.value,
        "why": edit.why,
        "saving": pico(edit.saving),
    }
