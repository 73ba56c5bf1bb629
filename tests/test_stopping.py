from __future__ import annotations

import threading
from typing import Any

import httpx2
import uvicorn

from penstock.listening import listen, url_of
from penstock.stopping import StoppableServer
from tests.gateway.running import eventually


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def started() -> tuple[StoppableServer, threading.Thread, str]:
    listener = listen("127.0.0.1", 0)
    server = StoppableServer(uvicorn.Config(app, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    return server, thread, url_of(listener)


def test_a_server_that_is_told_to_stop_answers_before_and_ends() -> None:
    server, thread, url = started()
    assert httpx2.get(url).status_code == 204
    server.stop()
    thread.join(20)
    assert not thread.is_alive()
    server.stop()  # once more does no harm


def test_a_signal_s_word_ends_it_too() -> None:
    server, thread, _ = started()
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def test_a_server_that_is_stopped_before_it_serves_does_not_begin() -> None:
    server = StoppableServer(uvicorn.Config(app, lifespan="off", log_config=None))
    server.stop()
    server.run(sockets=[listen("127.0.0.1", 0)])
    assert server.should_exit
