"""Everything that a response body is made of, whatever its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.models.profile import Profile
from penstock.simulator.answer import Answered
from penstock.simulator.ids import Ids
from penstock.wire.usage import Usage


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the model has answered.

    Attributes:
        id: the response's own id.
        created: simulated Unix time in seconds.
        request: the decoded request body.
        model: the model as the request names it.
        profile: what that model is.
        answered: the answer under the request's limits.
        usage: what is billed.
        tier: the service tier as the response names it.
        digest: the prompt's digest, 16 bytes.
        ids: where identifiers of items and tool calls come from.
        delay: simulated seconds until the first byte that the reply asks for; None for the simulator's setting.
        diagnostics: the provider's cache diagnostics, or None.
    """

    id: str
    created: int
    request: Mapping[str, Any]
    model: str
    profile: Profile
    answered: Answered
    usage: Usage
    tier: str
    digest: bytes
    ids: Ids
    delay: float | None = None
    diagnostics: Any = None
