"""The page of a face in the making: photo and face, in time, to this machine's own pages alone."""

import asyncio
import json
import threading
from contextlib import closing
from dataclasses import dataclass

import aiohttp
import numpy as np
import pytest

from tests.events import HANG_S, wait_for
from tests.output.preview.test_output import FOREIGN, ask, decode, hanging
from vjnode.errors import OutputError
from vjnode.output.preview import making
from vjnode.output.preview.making import MakingPage

ORANGE, BLUE = (240, 120, 20), (20, 60, 200)


@dataclass(frozen=True)
class Point:
    stage: str = "shapes"
    done: float = 0.25
    left_s: float | None = 70.0


def flat(colour):
    return np.full((600, 600, 3), colour, np.uint8)


def watch(page, then):
    """Show pictures until the page ends, calling ``then`` after each; return statuses, colours."""

    async def watching():
        seen = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(page.url + "/live") as one,
        ):
            while True:
                await one.send_str("next")
                status = await one.receive(HANG_S)
                if status.type is not aiohttp.WSMsgType.TEXT:
                    return seen
                picture = decode((await one.receive(HANG_S)).data)
                assert picture.shape == (512, 512, 3)
                seen.append((json.loads(status.data), picture[256, 256].astype(int)))
                then(len(seen))

    return asyncio.run(watching())


def test_it_shows_the_photo_then_the_face_and_in_the_end_how_it_became():
    page = MakingPage("nova", 512, 0)
    page.begun(flat(ORANGE))
    ends = threading.Thread(target=page.close)

    def then(count):
        if count == 1:
            page.shown(flat(BLUE), Point())
        if count == 2:
            page.made("good: nothing needs doing")
            ends.start()

    seen = watch(page, then)
    ends.join()
    assert [status["state"] for status, _ in seen[:3]] == ["making", "making", "made"]
    assert (seen[0][0]["stage"], seen[1][0]["stage"]) == ("photo", "shapes")
    assert (seen[1][0]["done"], seen[1][0]["left_s"]) == (0.25, 70.0)
    assert (seen[2][0]["done"], seen[2][0]["note"]) == (1.0, "good: nothing needs doing")
    for (_, colour), wanted in zip(seen, (ORANGE, BLUE, BLUE), strict=False):
        assert np.abs(colour - wanted).max() <= 3


def test_who_comes_between_two_pictures_sees_the_one_that_is_there(monkeypatch):
    monkeypatch.setattr(making, "BEAT_S", 0.05)
    with closing(MakingPage("nova", 512, 0)) as page:
        page.begun(flat(ORANGE))

        def then(count):
            if count == 3:  # without a new one
                page.close()

        assert [status["stage"] for status, _ in watch(page, then)] == ["photo"] * 3
        page.close()


def test_whole_picture_and_photo_can_be_had():
    with closing(MakingPage("nova", 512, 0)) as page:
        page.begun(flat(ORANGE))
        page.shown(flat(BLUE), Point())
        for path, size, wanted in (
            ("/frame.jpg", 600, BLUE),
            ("/frame.png", 600, BLUE),
            ("/photo.jpg", 512, ORANGE),
        ):
            status, headers, body = ask(page, path)
            assert (status, headers["Content-Type"].partition("/")[0]) == (200, "image")
            picture = decode(body)
            assert picture.shape == (size, size, 3)
            assert np.abs(picture.astype(int) - wanted).max() <= 3


def test_it_is_for_this_machines_own_pages():
    with closing(MakingPage("nova", 512, 0)) as page:
        assert page.url.startswith("http://127.0.0.1:")
        page.begun(flat(ORANGE))
        for headers in FOREIGN:
            for path in ("/", "/photo.jpg", "/frame.jpg", "/live", "/status"):
                assert ask(page, path, **headers)[0] in {400, 403}, (path, headers)


@pytest.mark.parametrize("path", ["/", "/making.js", "/picture.js", "/preview.css"])
def test_the_page_is_complete_and_loads_nothing_from_elsewhere(path):
    with closing(MakingPage("nova", 512, 0)) as page:
        status, headers, body = ask(page, path)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"https://" not in body
    assert b"innerHTML" not in body


def test_where_its_port_is_taken_it_is_at_another():
    """As beside a show, whose preview is there."""
    with closing(MakingPage("nova", 512, 0)) as first:
        port = int(first.url.rpartition(":")[2])
        with closing(MakingPage("other", 512, port)) as second:
            assert second.url != first.url
            assert json.loads(ask(second, "/status")[2])["face"] == "other"


def test_an_address_that_cannot_be_had_is_told(monkeypatch):
    monkeypatch.setattr(making, "DEFAULT_HOST", "192.0.2.1")
    with pytest.raises(OutputError, match=r"no page can be served at 192\.0\.2\.1"):
        MakingPage("nova", 512, 0)


def test_a_watcher_that_hangs_does_not_keep_it(monkeypatch):
    monkeypatch.setattr(making, "LAST_S", 0.1)
    page = MakingPage("nova", 512, 0)
    page.begun(np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8))
    with hanging(page):
        wait_for(lambda: page._server.watchers)
        page.made("good")
        page.close()
    assert "preview" not in {thread.name for thread in threading.enumerate()}
