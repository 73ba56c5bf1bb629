"""What the simulated models answer to the demo's programs: seeded by the prompt, shaped as the programs ask.

The answers are made up. Their lengths and the small model's slips are what the demo needs: a triage answer is short, a
CV verdict is a paragraph, and the small model now and then forgets that the answer must be JSON.
"""

from __future__ import annotations

import json
from random import Random

from penstock.demo.prose import clause
from penstock.demo.workloads import FIELDS, LABELS, SMALL_MODEL
from penstock.simulator.reply import Reply
from penstock.wire.view import View

SLIP_RATE = 0.03
"""Share of the small model's answers that are not JSON, so that the free verifier has something to catch."""


def answer(view: View, digest: bytes) -> Reply:
    """The reply to one request; the same prompt gets the same reply from the same model."""
    rng = Random(f"{digest.hex()}/{view.model}")
    standing = view.system_text()
    if "Label the mail" in standing:
        return _triage(view.model, rng)
    if "You match CVs" in standing:
        reason = " ".join(clause(rng, 1)[3:].split()[: rng.randint(35, 80)])
        return Reply(text=json.dumps({"score": rng.randint(0, 100), "reason": reason}))
    if "Extract the field" in standing:
        quote = " ".join(clause(rng, 1)[3:].split()[: rng.randint(20, 60)])
        return Reply(text=json.dumps({"value": rng.choice(FIELDS), "quote": quote}))
    return Reply(text=json.dumps({"answer": clause(rng, 1)[3:], "passage": rng.randint(1, 25)}))


def _triage(model: str, rng: Random) -> Reply:
    label = rng.choice(LABELS)
    if model.startswith(SMALL_MODEL) and rng.random() < SLIP_RATE:
        return Reply(text=f"The label is {label}.")
    return Reply(text=json.dumps({"label": label, "urgent": rng.random() < 0.1}))  # noqa: PLR2004 - one mail in ten
