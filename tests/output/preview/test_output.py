"""The preview shows the newest frame to whoever may look, and never delays the show."""

import asyncio
import json
import socket
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import aiohttp
import cv2
import numpy as np
import pytest

from tests.events import HANG_S, returns, wait_for
from tests.live.fairness import Miss, play_fairly
from tests.output.shows import INFO, flat, hearing, noise
from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.delivery import Adapter
from vjnode.output.preview import output as preview
from vjnode.output.preview import server as preview_server
from vjnode.output.preview.origin_check import refusal
from vjnode.output.preview.server import PreviewServer
from vjnode.output.registry import parse_output
from vjnode.output.test_pattern import Pattern

CONTEXT = OutputContext(256, Fraction(60), measured_fps=lambda: 59.94)


@contextmanager
def showing(frames, *, context=CONTEXT, fps=60.0):
    """A preview that is sent ``frames(n)`` at ``fps``."""
    output = preview.open_output("127.0.0.1:0", context)
    over = threading.Event()

    def run():
        n = 0
        while not over.wait(1 / fps):
            output.send(frames(n), time.monotonic())
            n += 1

    clock = threading.Thread(target=run)
    clock.start()
    try:
        yield output
    finally:
        over.set()
        clock.join()
        output.close()


def grey(n):
    return flat((n % 256,) * 3, 256)


def ask(output, path, **headers):
    """Status, headers and body of a GET."""

    async def get():
        async with (
            aiohttp.ClientSession() as session,
            session.get(output.url + path, headers=headers) as answer,
        ):
            return answer.status, answer.headers, await answer.read()

    return asyncio.run(get())


def decode(jpeg):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1), cv2.COLOR_BGR2RGB)


def hanging(output):
    """Return the socket of a watcher who asks for pictures and never reads."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else much has room in it
    host, port = output.url.removeprefix("http://").split(":")
    connection.connect((host, int(port)))
    connection.sendall(
        f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    assert connection.recv(1024).startswith(b"HTTP/1.1 101")
    connection.sendall(b"\x81\x84\0\0\0\0next" * 50)
    return connection


async def watch(output, pictures):
    """Acknowledge ``pictures`` times; return statuses and JPEGs."""
    got = []
    async with aiohttp.ClientSession() as session, session.ws_connect(output.url + "/live") as live:
        for _ in range(pictures):
            await live.send_str("next")
            status = json.loads((await live.receive(HANG_S)).data)
            got.append((status, (await live.receive(HANG_S)).data))
    return got


def test_the_status_tells_what_the_newest_frame_shows():
    with closing(preview.open_output("0", CONTEXT)) as output:
        assert json.loads(ask(output, "/status")[2]) == {"state": "waiting"}
        on = replace(INFO, entry="opening", notes="lights down", coming="drop")
        info = hearing(on, rms_db=float("-inf"), captured_s=99.95, t_s=12.5)
        output.send(Frame(grey(1).pixels, info), 100.0)
        status = json.loads(ask(output, "/status")[2])
    assert status["state"] == "live"
    assert (status["face"], status["expression"], status["preset"]) == ("ada", "laugh", "calm")
    said = [status[name] for name in ("entry", "notes", "coming", "waiting")]
    assert said == ["opening", "lights down", "drop", ""]
    assert (status["weight"], status["gain"], status["onsets"]) == (0.25, 1.0, 3)
    assert (status["keys"], status["keys_wanted"]) == (17, 64)
    assert status["latency_ms"] == pytest.approx(50)
    assert status["level_db"] == -120
    assert (status["fps"], status["fps_wanted"], status["size"]) == (59.94, 60, 256)


def test_before_any_sound_was_heard_there_is_no_latency():
    with closing(preview.open_output("0", CONTEXT)) as output:
        output.send(grey(1), 100.0)
        assert output.status()["latency_ms"] is None


def test_frame_jpg_is_the_whole_picture_in_its_colours(monkeypatch):
    monkeypatch.setattr(preview_server, "FRAME_TIMEOUT_S", HANG_S)
    context = replace(CONTEXT, size=1024)
    with showing(lambda _: flat((220, 120, 40), 1024), context=context) as output:
        status, headers, body = ask(output, "/frame.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    picture = decode(body)
    assert picture.shape == (1024, 1024, 3)
    assert np.abs(picture.astype(int) - (220, 120, 40)).max() <= 3


def test_frame_png_has_the_alpha_and_frame_jpg_a_checkerboard(monkeypatch):
    monkeypatch.setattr(preview_server, "FRAME_TIMEOUT_S", HANG_S)
    pattern, delivery = Pattern(256, Fraction(60)), parse_output("preview,alpha=matte").delivery
    adapter = Adapter(delivery, 256)
    adapter.use(pattern.matte)
    cut = adapter.adapt(pattern.frame(0).pixels).copy()
    context = replace(CONTEXT, alpha="matte")
    with showing(lambda _: Frame(cut, INFO), context=context) as output:
        status, headers, png = ask(output, "/frame.png")
        jpeg = decode(ask(output, "/frame.jpg")[2])
    assert (status, headers["Content-Type"]) == (200, "image/png")
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA), cut)
    left = jpeg[:, :8].astype(int)
    assert {round(grey, -1) for grey in left[4::8, 4].mean(-1)} == {190, 120}


def test_frame_png_of_an_opaque_picture_has_no_alpha(monkeypatch):
    monkeypatch.setattr(preview_server, "FRAME_TIMEOUT_S", HANG_S)
    with showing(lambda _: flat((220, 120, 40), 256)) as output:
        _, _, png = ask(output, "/frame.png")
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.shape == (256, 256, 3)
    assert (found == (40, 120, 220)).all()


@pytest.mark.parametrize("premultiplied", [False, True])
def test_the_checkerboard_is_seen_through_what_is_transparent(premultiplied):
    picture = np.full((64, 64, 4), (200, 100, 50, 128), np.uint8)
    if premultiplied:
        picture[..., :3] //= 2
    over = preview.over_checkerboard(picture, premultiplied=premultiplied)
    greys = np.array(preview.CHECK_GREYS)[[1, 0], None]
    wanted = (128 * np.array([200, 100, 50]) + 127 * greys) / 255
    np.testing.assert_allclose(over[0, [0, 2], :3], wanted, atol=1)
    assert (over[..., 3] == 255).all()


def test_frame_jpg_says_when_no_frame_comes(monkeypatch):
    monkeypatch.setattr("vjnode.output.preview.server.FRAME_TIMEOUT_S", 0.2)
    with closing(preview.open_output("0", CONTEXT)) as output:
        status, _, body = ask(output, "/frame.jpg")
    assert status == 503
    assert b"no frame" in body


@pytest.mark.parametrize(("size", "shown"), [(1024, 512), (512, 512), (256, 256)])
def test_live_pictures_are_small(size, shown):
    context = replace(CONTEXT, size=size)
    with showing(lambda _: flat((10, 200, 90), size), context=context) as output:
        ((status, jpeg),) = asyncio.run(watch(output, 1))
    assert decode(jpeg).shape == (shown, shown, 3)
    assert np.abs(decode(jpeg).astype(int) - (10, 200, 90)).max() <= 3
    assert status["face"] == "ada"


def test_live_pictures_are_new_each_time_and_at_most_30_a_second():
    with showing(lambda n: grey(n * 3)) as output:
        begun = time.monotonic()
        got = asyncio.run(watch(output, 20))
        took_s = time.monotonic() - begun
    levels = [int(decode(jpeg).mean()) for _, jpeg in got]
    assert all(a != b for a, b in pairwise(levels))
    assert took_s >= 19 / 30 * 0.98


def test_a_slow_watcher_gets_the_newest_picture_and_not_the_backlog():
    async def slow():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(output.url + "/live") as live,
        ):
            for level in (40, 80, 120):
                for _ in range(30):  # which he does not ask for
                    output.send(flat((200,) * 3, 256), 1.0)
                await live.send_str("next")
                status = asyncio.ensure_future(live.receive(HANG_S))
                while not status.done():
                    output.send(flat((level,) * 3, 256), 1.0)
                    await asyncio.sleep(0.001)
                shown = decode((await live.receive(HANG_S)).data)
                assert int(shown.mean()) == pytest.approx(level, abs=2)

    with closing(preview.open_output("0", CONTEXT)) as output:
        asyncio.run(slow())


def test_the_report_tells_of_watchers_and_of_one_that_stalls(monkeypatch):
    monkeypatch.setattr(preview_server, "STALL_S", 0.1)
    frame = noise(1, 1024)

    def told(of):
        return output.about()[of]

    with showing(lambda _: frame, context=replace(CONTEXT, size=1024)) as output:
        assert output.about() == {"page": output.url, "watchers": 0, "stalled": 0}
        with hanging(output):
            wait_for(lambda: told("stalled"))
            assert told("watchers") == 1
        wait_for(lambda: not told("watchers"))
        before = told("stalled")
        assert before >= 1  # more where this machine took so long over a picture by itself
        monkeypatch.setattr(preview_server, "STALL_S", HANG_S)
        assert asyncio.run(watch(output, 3))  # who reads does not stall
        wait_for(lambda: not told("watchers"))
        assert told("stalled") == before


def test_nothing_comes_that_was_not_asked_for():
    async def silent():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(output.url + "/live") as live,
        ):
            with pytest.raises(TimeoutError):
                await live.receive(0.3)

    with showing(grey) as output:
        asyncio.run(silent())


def test_many_watchers_share_each_picture(monkeypatch):
    encoded, asked = [], []
    monkeypatch.setattr(
        preview, "small_jpeg", lambda rgba: encoded.append(1) or preview.jpeg(rgba, 80)
    )
    hand_out = PreviewServer._next
    monkeypatch.setattr(PreviewServer, "_next", lambda server: asked.append(1) or hand_out(server))

    async def crowd():
        return await asyncio.gather(*(watch(output, 5) for _ in range(8)))

    with closing(preview.open_output("0", CONTEXT)) as output:
        watching = threading.Thread(target=lambda: asyncio.run(crowd()))
        watching.start()
        for n in range(1, 6):
            wait_for(lambda n=n: len(asked) == 8 * n)  # all of them wait for a picture
            while len(encoded) < n:
                output.send(grey(n), n / 60)
                time.sleep(0.001)
        watching.join()
    assert len(encoded) == 5


def test_unwatched_frames_are_not_copied():
    with closing(preview.open_output("0", CONTEXT)) as output:
        before = output._pixels.copy()
        for n in range(10):
            output.send(noise(n), n / 60)
        np.testing.assert_array_equal(output._pixels, before)


def test_send_is_never_held_up_by_watchers(monkeypatch):
    """Not even while a picture is scaled and encoded, which here lasts until the test says so."""
    begun, going_on = threading.Event(), threading.Event()

    def encode(rgba):
        begun.set()
        going_on.wait()
        return preview.jpeg(rgba, 80)

    monkeypatch.setattr(preview, "small_jpeg", encode)
    with closing(preview.open_output("0", CONTEXT)) as output:
        watching = threading.Thread(target=lambda: asyncio.run(watch(output, 1)))
        watching.start()
        while not begun.is_set():
            output.send(grey(1), 1.0)
        assert returns(lambda: [output.send(grey(n), 1.0) for n in range(100)])
        going_on.set()
        watching.join()


def test_close_is_quick_even_with_watchers_that_hang():
    def scenario():
        with showing(grey) as output:
            stuck = [hanging(output) for _ in range(3)]
            wait_for(lambda: output.about()["watchers"] == 3)
            begun_s = time.monotonic()
            output.close()
            closed_s = time.monotonic()
            output.close()
            for connection in stuck:
                connection.close()
        if closed_s - begun_s < 0.5:
            return []
        return [Miss(f"closed after {closed_s - begun_s:.2f} s", begun_s, closed_s)]

    play_fairly(scenario)


def test_close_leaves_no_thread_and_frees_the_port():
    output = preview.open_output("0", CONTEXT)
    output.close()
    assert "preview" not in {thread.name for thread in threading.enumerate()}
    with closing(preview.open_output(str(output.port), CONTEXT)) as again:
        assert again.port == output.port


def test_a_taken_port_is_named_with_what_to_write_instead():
    with closing(preview.open_output("0", CONTEXT)) as first:
        with pytest.raises(OutputError) as caught:
            preview.open_output(str(first.port), CONTEXT)
        text = str(caught.value)
        assert str(first.port) in text
        assert f"--output preview:127.0.0.1:{first.port + 1}" in text


@pytest.mark.parametrize(
    "target", ["here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", ":-1", "²"]
)
def test_targets_that_are_no_address_are_refused(target):
    with pytest.raises(InputError, match=r"preview:127\.0\.0\.1:8351"):
        preview.open_output(target, CONTEXT)


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("", ("127.0.0.1", 8350)),
        ("9000", ("127.0.0.1", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104 - this is what is tested
        ("[::1]:8350", ("::1", 8350)),
    ],
)
def test_targets(target, address):
    assert preview.parse_target(target) == address


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "x" * 70 + ".y"])
def test_an_address_that_is_not_of_this_machine_is_refused(host):
    with pytest.raises(OutputError) as caught:
        preview.open_output(f"{host}:8350", CONTEXT)
    assert host in str(caught.value)
    assert "--output preview:127.0.0.1:8350" in str(caught.value)


@pytest.mark.parametrize("path", ["/", "/preview.css", "/preview.js", "/picture.js"])
def test_the_page_is_complete_and_loads_nothing_from_elsewhere(path):
    with closing(preview.open_output("0", CONTEXT)) as output:
        status, headers, body = ask(output, path)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert b"https://" not in body
    assert b"innerHTML" not in body


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8350"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "192.168.1.20:8350"},
    {"Host": ""},
    {"Host": "["},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_foreign_pages_are_refused_on_every_path(headers):
    with closing(preview.open_output("0", CONTEXT)) as output:
        for path in ("/", "/preview.js", "/status", "/frame.jpg", "/live"):
            status, _, _ = ask(output, path, **headers)
            assert status in {400, 403}, path


def test_a_socket_from_a_foreign_page_is_refused():
    async def connect():
        async with aiohttp.ClientSession(headers={"Origin": "http://evil.example"}) as session:
            await session.ws_connect(output.url + "/live")

    with closing(preview.open_output("0", CONTEXT)) as output:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            asyncio.run(connect())
        assert caught.value.status == 403


@pytest.mark.parametrize(
    ("headers", "loopback"),
    [
        ({"Host": "localhost:8350"}, True),
        ({"Host": "127.0.0.1:9000", "Origin": "http://127.0.0.1:9000"}, True),
        ({"Host": "[::1]:8350"}, True),
        ({"Host": "192.168.1.20:8350", "Origin": "http://192.168.1.20:8350"}, False),
        ({"Host": f"{socket.gethostname()}:8350"}, False),
        (
            {
                "Host": "localhost:8350",
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
            },
            True,
        ),
    ],
)
def test_our_own_pages_programs_and_links_are_welcome(headers, loopback):
    assert refusal(headers, loopback=loopback) is None


def test_a_rebound_domain_is_refused_on_the_network_too():
    assert refusal({"Host": "evil.example:8350"}, loopback=False) is not None
