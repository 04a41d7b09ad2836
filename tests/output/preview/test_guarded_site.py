"""A site of this node: no request does it harm or fills its log, whatever program sends it."""

import asyncio
import logging
import socket
import threading

import pytest
from aiohttp import web

from tools.check.osc_client import answer, connect, request
from vjnode.output.preview.guarded_site import GuardedSite


@pytest.fixture
def site():
    """A site that answers /here, and fails at /fault; its port."""

    async def here(_):
        return web.Response(text="here")

    async def fault(_):
        raise KeyError("ours")

    one = GuardedSite("test", {"X-Test": "1"}, risk="can do nothing")
    one.add("/here", here)
    one.add("/fault", fault)
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    _, port = loop.run_until_complete(one.start("127.0.0.1", 0))

    async def serve():
        await over.wait()
        await one.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield port
    loop.call_soon_threadsafe(over.set)
    thread.join()
    assert not asyncio.all_tasks(loop)
    loop.close()


def status(port, data):
    with connect(port) as connection:
        connection.sendall(data)
        return answer(connection)[0]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (request("/here"), 200),
        (request("/there"), 404),
        (request("/here").replace(b"GET", b"POST"), 405),
        (request("/here", "Expect: 100-continue"), 200),
        (request("/here").replace(b"127.0.0.1", b"127.\xa2.0.1"), 400),
        (request("/here", "Expect: ###").replace(b"###", b"\xb0"), 400),
        (request("/here", "Upgrade: ###").replace(b"###", b"\xff\xfc"), 400),
        (request("/there", "Expect: ###").replace(b"GET", b"PUT").replace(b"###", b"\xb0"), 400),
        (request("/here", "X: \x00"), 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (request("/here", host="evil.example"), 403),
    ],
)
def test_each_request_gets_its_answer_and_none_fills_the_log(site, data, wanted, caplog):
    assert status(site, data) == wanted
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_fault_of_ours_is_logged(site, caplog):
    assert status(site, request("/fault")) == 500
    assert "ours" in caplog.text


def test_connections_that_are_left_open_end_with_the_site(site):
    """The fixture sees to it that nothing is left of them."""
    for data in (b"GET /h", request("/here", "Content-Length: 99999999"), b""):
        connection = socket.create_connection(("127.0.0.1", site))
        connection.sendall(data)
