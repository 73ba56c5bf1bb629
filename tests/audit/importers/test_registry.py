from __future__ import annotations

from typing import Any

import pytest

from penstock.audit.importers.registry import IMPORTERS, candidates, importer_named, names
from penstock.errors import UsageError
from tests.audit.importers.lines import record


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ts": 1, "api": "openai.chat", "request": {}, "response": {}}, ["native"]),
        ({"ts": 1, "api": "openai.chat", "model": "m", "response": None}, ["native"]),
        ({"request": {}, "response": {}}, ["pairs"]),
        ({"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {}}, ["openai-batch"]),
        ({"id": "b", "custom_id": "a", "response": {}, "error": None}, ["openai-batch"]),
        ({"custom_id": "a", "params": {}}, ["anthropic-batch"]),
        ({"custom_id": "a", "result": {}}, ["anthropic-batch"]),
        ({"completion": {}, "messages": []}, ["openai-stored"]),
        ({"custom_id": "a", "request": {}, "response": {}, "error": None}, ["pairs", "openai-batch"]),
        ({"spend": 1, "request_id": "x"}, []),
        ({}, []),
    ],
)
def test_formats_are_told_apart_by_their_keys(fields: dict[str, Any], expected: list[str]) -> None:
    assert [importer.name for importer in candidates(record(fields))] == expected


def test_a_format_is_found_by_name_and_a_wrong_name_lists_all() -> None:
    for importer in IMPORTERS:
        assert importer_named(importer.name) is importer
    with pytest.raises(UsageError, match="no log format 'csv'") as raised:
        importer_named("csv")
    assert raised.value.hint == f"one of: auto, {names()}"
