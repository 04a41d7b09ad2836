"""The preview page as a person sees it, in a real browser."""

import shutil
import threading
import time
from collections import namedtuple
from contextlib import closing, contextmanager
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.events import wait_for
from tests.output.shows import INFO, hearing
from vjnode.output.base import Frame, OutputContext
from vjnode.output.preview import output
from vjnode.output.preview.making import MakingPage

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None,
        reason="needs a browser: apt-get install chromium chromium-driver",
    ),
]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
)


Point = namedtuple("Point", ["stage", "done", "left_s"])


class Show:
    """A node that sends a red upper and a blue lower half, and a grey stripe that moves."""

    def __init__(self, port=0):
        self.info = INFO
        self.paused = False
        context = OutputContext(1024, Fraction(60), measured_fps=lambda: 59.94)
        self._output = output.open_output(str(port), context)
        self.port, self.url = self._output.port, self._output.url
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._run)
        self._clock.start()

    def _run(self):
        pixels = np.full((1024, 1024, 4), 255, np.uint8)
        n = 0
        while not self._over.wait(1 / 60):
            if self.paused:
                continue
            now_s = time.monotonic()
            pixels[:512, :, :3] = (230, 20, 30)
            pixels[512:, :, :3] = (20, 60, 220)
            pixels[500:524, :, :3] = n % 256
            self._output.send(Frame(pixels, hearing(self.info, captured_s=now_s - 0.04)), now_s)
            n += 1

    def close(self):
        self._over.set()
        self._clock.join()
        self._output.close()


@contextmanager
def running(port=0):
    show = Show(port)
    try:
        yield show
    finally:
        show.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def state(browser):
    return browser.execute_script("return document.body.dataset.state")


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def pixel(browser, x, y):
    """Return red, green and blue, 0…255, of the picture at (x, y), each 0…1."""
    return browser.execute_script(
        "const c = document.getElementById('canvas');"
        "const at = (v) => Math.floor(v * c.width);"
        "const p = c.getContext('2d').getImageData(at(arguments[0]), at(arguments[1]), 1, 1);"
        "return Array.from(p.data.slice(0, 3))",
        x,
        y,
    )


def test_the_picture_moves_in_its_colours_and_the_right_way_up(browser):
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
        assert pixel(browser, 0.5, 0.2) == pytest.approx([230, 20, 30], abs=6)
        assert pixel(browser, 0.5, 0.8) == pytest.approx([20, 60, 220], abs=6)
        seen = set()
        wait_for(lambda: seen.add(pixel(browser, 0.5, 0.5)[0]) or len(seen) >= 5)


def test_the_figures_follow_the_show(browser):
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: text(browser, "face") == "ada")
        assert text(browser, "expression") == "laugh"
        assert text(browser, "preset") == "calm"
        assert text(browser, "weight") == "0.25"
        assert text(browser, "level") == "−18.5 dB"
        assert text(browser, "keys") == "17 / 64"
        assert 30 <= float(text(browser, "latency")) <= 60
        assert text(browser, "fps") == "59.9"
        show.info = hearing(
            replace(INFO, face="<b>zoë</b>", keys=64), weights=(0.875, 0.0, 0.0, 0.0), rms_db=-120.0
        )
        wait_for(lambda: text(browser, "face") == "<b>zoë</b>")
        assert text(browser, "weight") == "0.88"
        assert text(browser, "level") == "silent"
        wide = browser.execute_script(
            "const bar = document.getElementById('weight-bar');"
            "return bar.getBoundingClientRect().width / bar.parentElement.clientWidth"
        )
        assert wide == pytest.approx(0.875, abs=0.01)


def test_the_page_waits_for_a_node_that_is_gone_and_finds_it_again(browser):
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
    wait_for(lambda: state(browser) == "waiting")
    assert text(browser, "notice") == "waiting for the node"
    with running(show.port):
        wait_for(lambda: state(browser) == "live")


def test_a_picture_that_stands_still_is_told(browser):
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
        show.paused = True
        wait_for(lambda: state(browser) == "still")
        show.paused = False
        wait_for(lambda: state(browser) == "live")


def test_f_shows_the_picture_alone(browser):
    full = "return document.fullscreenElement?.id ?? ''"
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
        body = browser.find_element("tag name", "body")
        body.send_keys("f")
        wait_for(lambda: browser.execute_script(full) == "picture")
        body.send_keys("f")
        wait_for(lambda: browser.execute_script(full) == "")


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (1280, 800), (1280, 640), (1024, 700), (390, 844)]
)
def test_all_fits_on_the_screen(browser, width, height):
    with on_a_screen(browser, width, height), running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
        page = browser.execute_script(
            "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
        )
    assert page[0] <= width
    assert page[1] <= height


RED, BLUE = (230, 20, 30), (20, 60, 220)
PHOTO_PX = "return document.getElementById('photo').naturalWidth"


def flat(colour):
    return np.full((512, 512, 3), colour, np.uint8)


@contextmanager
def on_a_screen(browser, width, height):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_face_in_the_making_is_shown_and_stays_when_it_is_made(browser):
    page = MakingPage("nova", 512, 0)
    browser.get(page.url)
    assert text(browser, "notice") == "looking at the photo"
    browser.get_log("browser")
    page.begun(flat(RED))
    wait_for(lambda: browser.execute_script(PHOTO_PX) == 512)
    wait_for(lambda: state(browser) == "live")
    assert pixel(browser, 0.5, 0.5) == pytest.approx(RED, abs=6)
    page.shown(flat(BLUE), Point("shapes", 0.259, 70.4))
    wait_for(lambda: text(browser, "stage") == "shapes")
    assert pixel(browser, 0.5, 0.5) == pytest.approx(BLUE, abs=6)
    assert [text(browser, one) for one in ("face", "done", "left")] == ["nova", "25 %", "1:10"]
    assert browser.title == "nova 25 %"
    page.made("good: nothing needs doing")
    page.close()
    wait_for(lambda: text(browser, "state") == "made")
    assert text(browser, "note") == "good: nothing needs doing"
    assert pixel(browser, 0.5, 0.5) == pytest.approx(BLUE, abs=6)
    assert state(browser) == "live"  # and bright
    assert [one for one in browser.get_log("browser") if one["level"] == "SEVERE"] == []


def test_a_face_that_was_broken_off_is_told(browser):
    with closing(MakingPage("nova", 512, 0)) as page:
        page.begun(flat(RED))
        browser.get(page.url)
        wait_for(lambda: state(browser) == "live")
    wait_for(lambda: state(browser) == "waiting")
    assert text(browser, "notice") == "it was broken off"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1280, 640), (1024, 700), (390, 844)])
def test_a_face_in_the_making_fits_on_the_screen(browser, width, height):
    with on_a_screen(browser, width, height), closing(MakingPage("nova", 512, 0)) as page:
        page.begun(flat(RED))
        page.shown(flat(BLUE), Point("style code", 0.5, 30.0))
        page.made("fair: take a photo from the front, lips closed, in even light")
        browser.get(page.url)
        wait_for(lambda: text(browser, "state") == "made")
        wait_for(lambda: browser.execute_script(PHOTO_PX) == 512)
        size = browser.execute_script(
            "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
        )
    assert size[0] <= width
    assert size[1] <= height


def test_the_browser_has_nothing_to_complain_about(browser):
    with running() as show:
        browser.get(show.url)
        wait_for(lambda: state(browser) == "live")
        browser.get_log("browser")
        browser.refresh()
        wait_for(lambda: state(browser) == "live")
        assert browser.get_log("browser") == []
