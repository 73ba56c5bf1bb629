"""Real agent conversations through client and simulator: what caching takes of the clairvoyant bound, and how far a
projection is from what is then realised.

For each model and mean gap between the turns of a conversation, over the same requests at the same times:

    usd_none        every prompt token at the input price
    usd_automatic   the provider's automatic caching (Anthropic: the top-level marker; OpenAI: as it comes)
    usd_penstock    realised: the client applies the policy that the audit of the recorded traffic proposed
    usd_bound       clairvoyant: for each prefix node apart the cheapest sequence of plain, write and read
    projected_usd   the replay of the recorded traffic under that policy

Answers are the recorded ones; billing is simulated by the documented rules with the simulator's own token counts. All
figures are the whole bill, output included.
"""

from __future__ import annotations

MODELS = ("claude-opus-5-5", "gpt-6.1-sol")
GAPS_S = (30.0, 120.0, 270.0, 330.0, 900.0)
TASK = "agent"
