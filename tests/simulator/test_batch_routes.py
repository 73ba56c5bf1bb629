from __future__ import annotations

import pytest

from penstock.simulator.batch_routes import ROUTES, below


@pytest.mark.parametrize(
    ("path", "answered"),
    [
        ("/v1/messages/batches/msgbatch_1", True),
        ("/v1/messages/batches/msgbatch_1/results", True),
        ("/v1/batches/batch_1", True),
        ("/v1/files/file-1/content", True),
        ("/v1/files/file-1", False),
        ("/v1/messages", False),
    ],
)
def test_paths_with_an_id_find_their_answer(path: str, answered: bool) -> None:
    assert (below(path) is not None) is answered


def test_what_is_created_is_created_by_post() -> None:
    assert {method for method, _ in ROUTES} == {"POST"}
    assert {path for _, path in ROUTES} == {"/v1/messages/batches", "/v1/files", "/v1/batches"}
