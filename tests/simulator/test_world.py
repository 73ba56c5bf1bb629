from __future__ import annotations

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.synthetic import Synthetic
from penstock.simulator.world import World
from tests.simulator.asking import messages, read, send


def test_a_world_answers_synthetically_unless_told_otherwise() -> None:
    assert isinstance(World(Config()).responder, Synthetic)


def test_a_restart_forgets_caches_bill_and_identifiers() -> None:
    provider = Provider()
    system = [{"type": "text", "text": "word " * 1000, "cache_control": {"type": "ephemeral"}}]
    first = send(provider, "/v1/messages", messages(system=system))
    assert read(send(provider, "/v1/messages", messages(system=system)))["usage"]["cache_read_input_tokens"] > 0
    provider.reset()
    assert provider.billed() == []
    assert send(provider, "/v1/messages", messages(system=system)).body == first.body
