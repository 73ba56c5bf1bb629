"""The levers in their order, one body after another, conflicts refused and failures counted.

Order: trim, route, brevity, cap, stabilise, cache. The cache lever is last because it must see the final prefix, and
brevity comes after the route because a prompt variant replaces the system text. Each lever reads the body that the
levers before it left, and its edits' paths are places in that body.

To add a lever: a folder under ``levers`` with a ``propose(view, facts)`` that returns edits (and notes, for what it
leaves alone), and one line in ``ORDERED``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from penstock.cachemodel.admission import Admission
from penstock.engine.edit import Edit, Note
from penstock.engine.facts import Facts
from penstock.engine.permit import clash, forbidden, losing
from penstock.engine.plan import Failure, Plan, Refusal, Stage
from penstock.engine.quote import foreseen_quote, quote
from penstock.levers.brevity import propose as brevity
from penstock.levers.cache import propose as cache
from penstock.levers.cache import stabilise
from penstock.levers.cap import propose as cap
from penstock.levers.route import propose as route
from penstock.levers.trim import history, retrieved
from penstock.policy.schema import Mode
from penstock.wire.view import View

Proposal = Edit | Note
Propose = Callable[[View, Facts], Sequence[Proposal]]


class Lever(msgspec.Struct, frozen=True):
    """A technique: its name, which is also its switch in the policy, and what it proposes."""

    name: str
    propose: Propose


ORDERED: tuple[Lever, ...] = (
    Lever("trim", history.propose),
    Lever("trim", retrieved.propose),
    Lever("route", route.propose),
    Lever("brevity", brevity.propose),
    Lever("cap", cap.propose),
    Lever("cache", stabilise.propose),
    Lever("cache", cache.propose),
)
"""The levers that a call goes through."""


def optimise(
    view: View,
    facts: Facts,
    levers: Sequence[Lever] = ORDERED,
    *,
    mode: Mode = "observe",
    foreseen: Admission | None = None,
) -> Plan:
    """The plan for a request. Never raises for what a lever does: a lever that raises is left out and counted.

    Args:
        view: the request as the client sent it.
        facts: what is known about it.
        levers: in the order in which they act.
        mode: whether the plan is to be sent or only shown; both make the same plan.
        foreseen: what the cache does with the client's request; None takes the whole prompt as uncached.
    """
    now = _Progress(view, facts)
    for lever in levers:
        if facts.levers.on(lever.name):
            now.let(lever)
    expected = facts.expected_output(view)
    if foreseen is None:
        before = quote(view, facts, expected)
    else:
        before = foreseen_quote(view.model, foreseen, facts.prices, expected)
    return Plan(
        view=view,
        task=facts.task,
        mode=mode,
        stages=tuple(now.stages),
        refused=tuple(now.refused),
        failures=tuple(now.failures),
        notes=tuple(now.notes),
        planned=now.view,
        before=before,
        after=before if now.facts is facts else quote(now.view, now.facts, expected),
        facts=facts,
    )


class _Progress:
    """The body as the levers so far left it."""

    def __init__(self, view: View, facts: Facts) -> None:
        self.view, self.facts = view, facts
        self.stages: list[Stage] = []
        self.refused: list[Refusal] = []
        self.failures: list[Failure] = []
        self.notes: list[Note] = []
        self._settled: dict[str | int, str] = {}

    def let(self, lever: Lever) -> None:
        """Let one lever act; whatever it raises leaves the body as it was."""
        try:
            proposals = lever.propose(self.view, self.facts)
            if not proposals:
                return
            self.notes += [one for one in proposals if isinstance(one, Note)]
            accepted = self._chosen(lever, [one for one in proposals if isinstance(one, Edit)])
            if not accepted:
                return
            stage = Stage(lever.name, tuple(accepted))
            view = self.view.edited(stage.operations())
            facts = self.facts.seeing(view)
        except Exception as error:  # noqa: BLE001 - fail open: a lever may never stop a call
            self.failures.append(Failure(lever.name, type(error).__name__))
            return
        self.view, self.facts = view, facts
        self.stages.append(stage)
        self._settled.update({edit.path[0]: lever.name for edit in accepted if len(edit.path) == 1})

    def _chosen(self, lever: Lever, proposals: Sequence[Edit]) -> list[Edit]:
        accepted: list[Edit] = []
        for bundle in _bundles(proposals):
            why = self._refusal(lever, bundle, accepted)
            if why is None:
                accepted += bundle
            else:
                self.refused += [Refusal(edit, why) for edit in bundle]
        return accepted

    def _refusal(self, lever: Lever, bundle: Sequence[Edit], accepted: Sequence[Edit]) -> str | None:
        beside = list(accepted)
        for edit in bundle:
            why = forbidden(edit, self.facts) or self._settled_by_another(lever, edit) or clash(edit, beside)
            if why is not None:
                return why
            beside.append(edit)
        return losing(bundle)

    def _settled_by_another(self, lever: Lever, edit: Edit) -> str | None:
        """A top-level key that a lever set stays as it set it.

        Only the cap may lower what a route translated, an instruction go behind a prompt variant, and a cache marker
        onto a text with an instruction.
        """
        other = self._settled.get(edit.path[0]) if len(edit.path) == 1 else None
        if other is None or lever.name in ("cap", "brevity") or (lever.name, other) == ("cache", "brevity"):
            return None
        return f"the {other} lever already changed it"


def _bundles(proposals: Sequence[Edit]) -> list[list[Edit]]:
    """Edits that stand or fall together, in the order of their first."""
    bundles: list[list[Edit]] = []
    by_group: dict[str, list[Edit]] = {}
    for edit in proposals:
        if edit.group and edit.group in by_group:
            by_group[edit.group].append(edit)
            continue
        bundle = [edit]
        bundles.append(bundle)
        if edit.group:
            by_group[edit.group] = bundle
    return bundles
