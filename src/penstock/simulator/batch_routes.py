"""The paths of both providers' batch APIs, and how a request of a batch is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from penstock.simulator import batches, openai_batches
from penstock.simulator.create import create
from penstock.simulator.errors import bad_request
from penstock.simulator.incoming import Incoming
from penstock.simulator.response import Response, json_response
from penstock.wire.dialect import dialect_of_path

if TYPE_CHECKING:
    from penstock.simulator.provider import Provider

Handler = Callable[["Provider", Incoming, str], Response]


def below(path: str) -> Handler | None:
    """Who answers a GET of a path that holds an id; None for other paths."""
    if path.startswith(f"{batches.PATH}/"):
        return _batch_results if path.endswith("/results") else _find_batch
    if path.startswith(f"{openai_batches.FILES}/"):
        return _file_content if path.endswith("/content") else None
    return _find_openai_batch if path.startswith(f"{openai_batches.BATCHES}/") else None


def _in_batch(provider: Provider, scope: str) -> Callable[[Incoming], Response]:
    """Answers a request of a batch: as a call of its own, billed at half the price."""

    def answer(one: Incoming) -> Response:
        named = msgspec.structs.replace(one, id=provider.world.ids.next("req_01", 22))
        dialect = dialect_of_path(one.path)
        if dialect is None:
            raise bad_request("this endpoint has no batches")
        response = batches.batch_priced(create(provider.world, named, dialect, scope))
        provider.begin(response, one.at)
        provider.finish(response, response.whole)
        return response

    return answer


def _create_batch(provider: Provider, incoming: Incoming, scope: str) -> Response:
    identifier = provider.world.ids.next("msgbatch_01", 22)
    answer = _in_batch(provider, scope)
    return json_response(incoming, provider.world.batches.create(incoming, identifier, provider.config.batch_s, answer))


def _upload(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    return json_response(incoming, provider.world.openai_batches.upload(incoming))


def _create_openai_batch(provider: Provider, incoming: Incoming, scope: str) -> Response:
    answer = _in_batch(provider, scope)
    return json_response(incoming, provider.world.openai_batches.create(incoming, provider.config.batch_s, answer))


def _find_openai_batch(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    return json_response(incoming, provider.world.openai_batches.find(incoming))


def _file_content(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    response = json_response(incoming, {})
    response.headers = [("content-type", "application/octet-stream")]
    response.chunks = (provider.world.openai_batches.content(incoming),)
    return response


def _find_batch(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    return json_response(incoming, provider.world.batches.find(incoming))


def _batch_results(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    response = json_response(incoming, {})
    response.headers, response.chunks = (
        [("content-type", "application/x-jsonl")],
        (provider.world.batches.results(incoming),),
    )
    return response


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", batches.PATH): _create_batch,
    ("POST", openai_batches.FILES): _upload,
    ("POST", openai_batches.BATCHES): _create_openai_batch,
}
"""Method and path to who answers."""
