"""Output to a full-screen window, for a projector or a screen without a VJ's software.

The picture is shown in step with the display, by a thread of its own that waits for it: ``send``
only leaves the newest frame for that thread, so that neither a display at another rate nor one
that sleeps holds up the clock. The window itself is handled in the main thread, as systems demand.

Escape, or closing the window, removes it for the rest of the show, which goes on without it.
"""

import logging
import threading
import time
from types import ModuleType
from typing import Any

import numpy as np

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.record.retry import Interrupted
from vjnode.output.window.displays import (
    choose_display,
    displays,
    full_screen,
    label,
    load,
    same_display,
    unique_names,
)
from vjnode.output.window.opengl import Canvas

_log = logging.getLogger(__name__)

START_S = 5.0
STOP_S = 0.5
"""Time that the drawing thread may take to begin, and to end."""

HANG_S = 2.0
"""Time after which a display that has not taken the newest frame counts as hung, as when its
driver was reset."""

LOOK_S = 0.5
"""Most time between two looks that counts towards it, so that a machine's sleep does not."""


class WindowOutput:
    """A full-screen window on one display."""

    def __init__(self, glfw: ModuleType, monitor: Any, name: str, size: int) -> None:  # noqa: ANN401
        """Open the window; it is black until the first frame.

        monitor: GLFW's. name: of the display. size: of the frames, px.

        Raises:
            OutputError: no window can be opened, there is no OpenGL 3.3, or the display hangs.
        """
        self._glfw, self._name, self._size = glfw, name, size
        self._incoming = np.zeros((size, size, 4), np.uint8)
        self._showing = np.zeros_like(self._incoming)
        self._news = threading.Condition()
        self._fresh = self._stopping = False
        self._waited_s = self._sent_s = 0.0
        self._fault = ""
        self._shown = 0
        self._closed = self._dismissed = False
        self._window = full_screen(glfw, monitor)
        self._area = glfw.get_framebuffer_size(self._window)
        glfw.set_input_mode(self._window, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        glfw.set_key_callback(self._window, self._key)
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._draw, args=(started,), name="window", daemon=True
        )
        self._thread.start()
        if not started.wait(START_S):
            self._fault = (
                f"the window on {name} has shown nothing for {START_S:g} s; is the display on, and "
                "its driver well? Restart the desktop session if it stays so"
            )
        if self._fault:
            self.close()
            raise OutputError(self._fault)

    def send(self, frame: Frame, due_s: float) -> None:
        """Leave ``frame`` for the drawing thread, to be shown next.

        Raises:
            OutputError: the display has gone or takes no frames, or OpenGL has failed.
        """
        del due_s
        if self._closed:
            return
        glfw = self._glfw
        glfw.poll_events()
        if glfw.window_should_close(self._window):
            _log.info("the window on %s was closed; the show goes on without it", self._name)
            self._dismissed = True
            self.close()
            return
        if not glfw.get_window_monitor(self._window):
            raise OutputError(f"the display {self._name} has gone; plug it in again")
        if self._fault:
            raise OutputError(self._fault)
        area, now_s = glfw.get_framebuffer_size(self._window), time.monotonic()
        with self._news:
            waited_s = self._waited_s + min(now_s - self._sent_s, LOOK_S) if self._fresh else 0.0
            self._waited_s, self._sent_s = waited_s, now_s
            if waited_s > HANG_S:
                raise OutputError(
                    f"the display {self._name} has taken no frame for {HANG_S:g} s: it sleeps, or "
                    "its driver was reset; if it goes on, switch the display on"
                )
            np.copyto(self._incoming, frame.pixels)
            self._area, self._fresh = area, True
            self._news.notify()

    def about(self) -> dict[str, object]:
        """Return the display and the number of frames that it has shown, for the report."""
        width, height = self._area
        return {
            "display": self._name,
            "pixels": f"{width}x{height}",
            "shown_frames": self._shown,
            "closed_by_hand": self._dismissed,
        }

    def close(self) -> None:
        """Close the window."""
        if self._closed:
            return
        self._closed = True
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join(STOP_S)
        if not self._thread.is_alive():  # else the display hangs; the process ends anyway
            self._glfw.destroy_window(self._window)

    def _key(self, window: object, key: int, code: int, action: int, more: int) -> None:
        del code, action, more
        if key == self._glfw.KEY_ESCAPE:
            self._glfw.set_window_should_close(window, True)

    def _draw(self, started: threading.Event) -> None:
        """Run the drawing thread: show each newest frame in step with the display."""
        glfw = self._glfw
        glfw.make_context_current(self._window)
        try:
            canvas = Canvas(glfw, self._size)
            glfw.swap_interval(1)
            canvas.draw(None, *self._area)
            glfw.swap_buffers(self._window)
            started.set()
            while self._next():
                canvas.draw(self._showing, *self._area)
                glfw.swap_buffers(self._window)
                self._shown += 1
        except OutputError as error:
            self._fault = f"the window on {self._name} cannot be drawn: {error}"
        finally:
            if not (self._stopping or self._fault):
                self._fault = f"the window on {self._name} is not drawn any more; see the log"
            glfw.make_context_current(None)
            started.set()

    def _next(self) -> bool:
        """Wait for a frame and take it; return False when it is time to end."""
        with self._news:
            self._news.wait_for(lambda: self._fresh or self._stopping)
            self._incoming, self._showing = self._showing, self._incoming
            self._fresh = False
            return not self._stopping


def unready() -> str:
    """Return why a window cannot work here, with the remedy, or ""."""
    try:
        displays(load(to_show=False))
    except OutputError as error:
        return str(error)
    return ""


def open_output(target: str, context: OutputContext) -> WindowOutput | Interrupted:
    """Open a window that fills the display ``target``; see ``displays``.

    After a fault, the output waits for a display that has gone, even if it was chosen by default:
    somebody may work on the remaining ones.

    Raises:
        InputError: there is no such display.
        OutputError: no display, no OpenGL, or a package is missing.
    """
    try:
        return _begin(target, context)
    except (InputError, OutputError) as error:
        if context.attempt == 0:
            raise
        known = {key: said for key, said in context.before.items() if key == "display"}
        return Interrupted(lambda: _begin(target, context), str(error), known)


def _begin(target: str, context: OutputContext) -> WindowOutput:
    glfw = load(to_show=True)
    monitors = displays(glfw)
    names = unique_names(
        [glfw.get_monitor_name(each).decode(errors="replace") for each in monitors]
    )
    before = context.before.get("display")
    if target or before is None:
        number = choose_display(names, target)
    else:
        number = same_display(names, str(before))
    return WindowOutput(glfw, monitors[number], label(number, names[number]), context.size)
