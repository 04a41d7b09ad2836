"""The window output: its choice of a display, and one that is slow, gone or not wanted.

Its picture is tested on a real screen, in ``tests/live/test_window.py``.
"""

import sys
import threading
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from tests.events import HANG_S, returns, wait_for
from tests.output.shows import flat, noise
from vjnode.errors import InputError, OutputError
from vjnode.output.base import OutputContext
from vjnode.output.window import displays
from vjnode.output.window import output as window
from vjnode.output.window.displays import choose_display
from vjnode.remedies import install_extra

CONTEXT = OutputContext(64, Fraction(60))
TWO = ["DELL U2720Q", "EPSON PJ"]


class Desktop:
    """GLFW, as far as a window needs it, on displays that the test plugs in and out."""

    KEY_ESCAPE = 256

    def __init__(self):
        self.names = list(TWO)
        self.windows, self.destroyed, self.drawn = [], [], []
        self.takes_frames = threading.Event()  # while cleared, it hangs with the frame it is given
        self.takes_frames.set()
        self.given = 0
        self.shown = threading.Event()

    def __getattr__(self, name):  # hints and their values
        if not name.isupper():
            raise AttributeError(name)
        return name

    def get_monitors(self):
        return list(range(len(self.names)))

    def get_monitor_name(self, monitor):
        return self.names[monitor].encode()

    def get_video_mode(self, monitor):
        size, bits = SimpleNamespace(width=1920, height=1080), SimpleNamespace(red=8, green=8)
        bits.blue = 8
        return SimpleNamespace(size=size, bits=bits, refresh_rate=60)

    def window_hint(self, hint, value):
        pass

    def create_window(self, width, height, title, monitor, share):
        made = SimpleNamespace(monitor=self.names[monitor], closing=False, keys=None)
        self.windows.append(made)
        return made

    def destroy_window(self, made):
        self.destroyed.append(made)

    def get_framebuffer_size(self, made):
        return 1920, 1080

    def get_window_monitor(self, made):
        return made.monitor if made.monitor in self.names else None

    def set_input_mode(self, made, mode, value):
        assert (mode, value) == ("CURSOR", "CURSOR_HIDDEN")

    def set_key_callback(self, made, callback):
        made.keys = callback

    def window_should_close(self, made):
        return made.closing

    def set_window_should_close(self, made, value):
        made.closing = value

    def poll_events(self):
        assert threading.current_thread() is threading.main_thread()

    def make_context_current(self, made):
        assert threading.current_thread() is not threading.main_thread()

    def swap_interval(self, interval):
        pass

    def swap_buffers(self, made):
        self.given += 1
        self.takes_frames.wait()
        self.shown.set()


@pytest.fixture
def desktop(monkeypatch):
    desktop = Desktop()

    class Canvas:
        def __init__(self, glfw, size):
            assert glfw is desktop

        def draw(self, pixels, width, height):
            desktop.drawn.append(None if pixels is None else pixels.copy())

    monkeypatch.setattr(window, "load", lambda to_show: desktop)
    for name in ("START_S", "STOP_S"):
        monkeypatch.setattr(window, name, HANG_S)
    monkeypatch.setattr(window, "Canvas", Canvas)
    yield desktop
    desktop.takes_frames.set()


@pytest.fixture
def clock(monkeypatch):
    """The window's clock, s, whose time the test lets pass."""
    clock = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(window, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    return clock


def levels(desktop):
    """Return the grey of each frame that was drawn."""
    return [int(pixels[0, 0, 0]) for pixels in desktop.drawn if pixels is not None]


@pytest.mark.parametrize(
    ("names", "target", "number"),
    [
        (TWO[:1], "", 0),
        (TWO, "", 1),
        ([*TWO, "third"], "", 1),
        (TWO, "0", 0),
        (TWO, "1", 1),
        (TWO, "epson", 1),
        (TWO, "U27", 0),
    ],
)
def test_the_display_is_the_one_asked_for_or_the_second(names, target, number):
    assert choose_display(names, target) == number


@pytest.mark.parametrize("target", ["2", "BENQ"])
def test_a_display_that_is_not_there_is_told_with_those_that_are(target):
    with pytest.raises(InputError) as caught:
        choose_display(TWO, target)
    for part in (target, *TWO):
        assert part in str(caught.value)


def test_it_opens_on_that_display_black(desktop):
    output = window.open_output("dell", CONTEXT)
    assert desktop.shown.wait(HANG_S)
    output.close()
    assert desktop.windows[0].monitor == "DELL U2720Q"
    assert desktop.drawn[0] is None
    assert output.about()["display"] == "0 (DELL U2720Q)"


def test_a_slow_display_never_holds_the_clock_up_and_gets_the_newest(desktop):
    output = window.open_output("", CONTEXT)
    desktop.takes_frames.clear()
    output.send(flat((0, 0, 0)), 0.0)
    wait_for(lambda: desktop.given == 2)  # the first was black
    for n in range(1, 60):  # if this was held up, it would be for good
        output.send(flat((n, n, n)), n / 60)
    desktop.takes_frames.set()
    wait_for(lambda: desktop.given == 3)
    output.close()
    assert levels(desktop) == [0, 59]


def test_a_frame_is_shown_whole(desktop):
    """A frame's memory belongs to the next frame as soon as it is sent."""
    output, frame = window.open_output("", CONTEXT), noise(1, 64)
    memory = frame.pixels.copy()
    desktop.shown.clear()
    output.send(SimpleNamespace(pixels=memory), 0.0)
    memory[...] = 0
    assert desktop.shown.wait(HANG_S)
    output.close()
    np.testing.assert_array_equal(desktop.drawn[-1], frame.pixels)


def test_a_display_that_hangs_does_not_hold_up_the_end(desktop, monkeypatch):
    monkeypatch.setattr(window, "STOP_S", 0.1)
    output = window.open_output("", CONTEXT)
    desktop.takes_frames.clear()
    output.send(flat((1, 1, 1)), 0.0)
    wait_for(lambda: desktop.given == 2)
    assert returns(output.close)  # while the display hangs
    assert not desktop.destroyed  # the hung display still uses the window


def test_a_display_that_takes_no_frame_any_more_is_told_so_that_it_is_opened_again(desktop, clock):
    output = window.open_output("", CONTEXT)
    for n in range(15):
        output.send(flat((n, n, n)), clock.now_s)
        wait_for(lambda n=n: levels(desktop)[-1:] == [n])
        clock.now_s += 1 / 60
    desktop.takes_frames.clear()
    output.send(flat((15, 15, 15)), clock.now_s)
    wait_for(lambda: desktop.given == 17)  # the first was black
    output.send(flat((16, 16, 16)), clock.now_s)  # this is the one that it does not take
    hung_s = clock.now_s
    with pytest.raises(OutputError, match=r"EPSON PJ\) has taken no frame for 2 s"):  # noqa: PT012
        while True:
            clock.now_s += 1 / 60
            output.send(flat((17, 17, 17)), clock.now_s)
    assert clock.now_s - hung_s == pytest.approx(window.HANG_S + 1 / 60, abs=1 / 60)
    desktop.takes_frames.set()
    output.close()


def test_an_hour_in_which_the_whole_machine_slept_is_no_fault_of_the_display(desktop, clock):
    output = window.open_output("", CONTEXT)
    desktop.takes_frames.clear()  # it holds a frame all the while
    for n in range(6):
        clock.now_s += 3600.0 if n == 3 else 1 / 60
        output.send(flat((n, n, n)), clock.now_s)
    desktop.takes_frames.set()
    output.close()


def test_a_display_that_hangs_from_the_start_is_a_fault(desktop, monkeypatch):
    monkeypatch.setattr(window, "START_S", 0.2)
    monkeypatch.setattr(window, "STOP_S", 0.1)
    desktop.takes_frames.clear()
    with pytest.raises(OutputError, match=r"EPSON PJ\) has shown nothing for 0\.2 s"):
        window.open_output("", CONTEXT)


@pytest.mark.parametrize("by", ["escape", "closing"])
def test_who_closes_it_wants_it_gone_and_the_show_goes_on(desktop, by):
    output = window.open_output("", CONTEXT)
    if by == "escape":
        desktop.windows[0].keys(desktop.windows[0], Desktop.KEY_ESCAPE, 0, 1, 0)
    else:
        desktop.windows[0].closing = True
    for n in range(5):
        output.send(flat((n, n, n)), n / 60)
    assert desktop.destroyed == desktop.windows
    assert output.about()["closed_by_hand"]
    output.close()


def test_other_keys_do_nothing(desktop):
    output = window.open_output("", CONTEXT)
    desktop.windows[0].keys(desktop.windows[0], 32, 0, 1, 0)
    output.send(flat((1, 2, 3)), 0.0)
    assert not output.about()["closed_by_hand"]
    output.close()


def test_a_display_that_goes_is_told_and_waited_for(desktop):
    output = window.open_output("epson", CONTEXT)
    desktop.names.remove("EPSON PJ")
    with pytest.raises(OutputError, match=r"EPSON PJ\) has gone; plug it in"):
        output.send(flat((1, 2, 3)), 0.0)
    output.close()
    again = window.open_output("epson", OutputContext(64, Fraction(60), attempt=1))
    for n in range(900):
        if n == 600:
            desktop.names.append("EPSON PJ")
        again.send(flat((1, 2, 3)), n / 60)
    assert again.about()["display"] == "1 (EPSON PJ)"
    assert len(desktop.windows) == 2
    again.close()


def after_a_fall(output):
    """Return the context of a new process, which tells it of the one before it."""
    return OutputContext(64, Fraction(60), attempt=1, before=dict(output.about()))


@pytest.mark.parametrize("twins", [False, True])
def test_where_none_was_asked_for_the_one_it_had_is_waited_for(desktop, twins):
    """The display that is left is the one on which somebody works, so no window opens there."""
    names = ["Generic PnP Monitor"] * 2 if twins else TWO
    desktop.names[:] = names
    output = window.open_output("", CONTEXT)
    output.close()
    del desktop.names[1]
    interrupted = window.open_output("", after_a_fall(output))
    for n in range(600):
        interrupted.send(flat((1, 2, 3)), n / 60)
    assert "gone; plug it in" in interrupted.about()["interrupted"]
    interrupted.close()
    again = window.open_output("", after_a_fall(interrupted))  # it has fallen meanwhile
    for n in range(900):
        if n == 600:
            desktop.names.insert(1, names[1])
        again.send(flat((1, 2, 3)), n / 60)
    assert again.about()["display"] == output.about()["display"]
    assert len(desktop.windows) == 2
    again.close()


def test_the_one_it_had_is_found_under_another_number(desktop):
    output = window.open_output("", CONTEXT)
    output.close()
    desktop.names.insert(1, "third")
    again = window.open_output("", after_a_fall(output))
    assert again.about()["display"] == "2 (EPSON PJ)"
    again.close()


def test_without_opengl_it_says_so(desktop, monkeypatch):
    def refuse(glfw, size):
        raise OutputError("it needs a graphics driver with OpenGL 3.3: version 210")

    monkeypatch.setattr(window, "Canvas", refuse)
    with pytest.raises(OutputError, match=r"OpenGL 3\.3: version 210"):
        window.open_output("", CONTEXT)
    assert desktop.destroyed == desktop.windows


def test_without_its_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(displays, "find_spec", lambda name: None)
    assert install_extra("window") in window.unready()


def test_without_a_desktop_it_says_so(monkeypatch):
    pytest.importorskip("glfw", reason="glfw is not installed")
    if sys.platform != "linux":
        pytest.skip("only Linux runs without a desktop")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "start vjnode in a desktop session" in window.unready()


@pytest.mark.parametrize("shows", [False, True], ids=["only lists displays", "shows a window"])
def test_macos_lets_a_process_that_shows_a_window_have_one(monkeypatch, shows):
    """GLFW asks macOS to let a program that is no bundle have one only along with a menu bar."""
    glfw = pytest.importorskip("glfw", reason="glfw is not installed")
    hints = {}
    monkeypatch.setattr(glfw, "init_hint", hints.__setitem__)
    monkeypatch.setattr(glfw, "init", lambda: False)
    if shows:
        with pytest.raises(OutputError):
            window.open_output("", CONTEXT)
    else:
        assert window.unready()
    assert hints[glfw.COCOA_MENUBAR] == shows
