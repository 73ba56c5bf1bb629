"""Cache keys on OpenAI requests before gpt-5.6 (provider-semantics 2.1).

Nothing is charged for writing there, and order and length of the prefix do the rest. One thing can be gained: traffic
of one prefix above about fifteen requests a minute overflows to machines that have not seen it. A key per session
keeps each conversation together; where the client set a key or the pace is lower, the request is left alone (T12).
"""

from __future__ import annotations

import msgspec
from xxhash import xxh3_64_hexdigest

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.unknown import Unknown
from penstock.wire.view import View

HOT_PER_MINUTE = 15.0


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """A ``prompt_cache_key`` for the session of a busy task."""
    profile = facts.profile
    if isinstance(profile, Unknown) or facts.session is None or view.get("prompt_cache_key") is not None:
        return []
    if "prompt_cache_key" in profile.forbidden_params or isinstance(profile.minimum_prefix, Unknown):
        return []
    pace = facts.evidence.reuse.pace.per_minute(facts.task, facts.now)
    if pace <= HOT_PER_MINUTE or sum(facts.tokens) < profile.minimum_prefix:
        return []
    key = "penstock-" + xxh3_64_hexdigest(f"{facts.task}\n{facts.session}".encode("utf-8", "surrogatepass"))
    return [
        Edit(
            lever="cache",
            path=("prompt_cache_key",),
            action=Action.SET,
            value=msgspec.json.encode(key),
            why=f"{pace:.0f} calls a minute overflow one key; a key per session keeps conversations together",
            saving=Unknown("how often traffic overflows is not measured"),
            risk=Risk.EXACT,
        )
    ]
