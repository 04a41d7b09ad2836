"""Displays and full-screen windows, by GLFW."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from vjnode.errors import InputError, OutputError
from vjnode.naming import choose
from vjnode.remedies import install, install_extra


def choose_display(names: Sequence[str], target: str) -> int:
    """Return the index of the display that ``target`` means.

    names: of the displays, the main one first.
    target: number from 0, or part of a name; "" for the second display if there is one, because
        somebody works on the first.

    Raises:
        InputError: there is no such display.
    """
    if not target:
        return min(1, len(names) - 1)
    if target.isascii() and target.isdigit():
        if int(target) >= len(names):
            listed = ", ".join(label(number, name) for number, name in enumerate(names))
            raise InputError(f"there is no display {target}; there are: {listed}")
        return int(target)
    for number, name in enumerate(names):
        if target.casefold() in name.casefold():
            return number
    return names.index(choose("display", names, target))


def unique_names(names: Sequence[str]) -> list[str]:
    """Return a unique name for each display: systems give many of them the same name."""
    return [
        name if (nth := names[: place + 1].count(name)) == 1 else f"{name} #{nth}"
        for place, name in enumerate(names)
    ]


def label(number: int, name: str) -> str:
    """Return the name of a display in logs and reports."""
    return f"{number} ({name})"


def same_display(names: Sequence[str], before: str) -> int:
    """Return the index of the display that ``label`` named ``before``, whatever its number now.

    Raises:
        InputError: it is not connected.
    """
    for number, name in enumerate(names):
        if before.partition(" ")[2] == f"({name})":
            return number
    raise InputError(f"the display {before} has gone; plug it in again")


def load(*, to_show: bool) -> ModuleType:
    """Return GLFW, ready to use.

    to_show: whether there will be a window; a process that only lists displays needs none. It
    matters on macOS, and in the first call of a process: there GLFW lets a program that is not a
    bundle, such as Python, have windows only together with a menu bar and an icon in the Dock
    (``NSApplicationActivationPolicyRegular`` in ``_glfwInitCocoa``).

    Raises:
        OutputError: a package is missing, or this process has no desktop.
    """
    if find_spec("glfw") is None or find_spec("moderngl") is None:
        raise OutputError(f"the window needs glfw and moderngl; run: {install_extra('window')}")
    try:
        glfw = import_module("glfw")
    except ImportError as error:
        raise OutputError(
            f"no window can be opened: {error}; run: {install('--force-reinstall', 'glfw')}"
        ) from error
    vars(glfw)["ERROR_REPORTING"] = False  # errors are queried where they matter
    glfw.init_hint(glfw.COCOA_MENUBAR, to_show)
    glfw.init_hint(glfw.COCOA_CHDIR_RESOURCES, False)
    if not glfw.init():
        raise OutputError(
            f"no window can be opened: {_reason(glfw)}; start vjnode in a desktop session"
        )
    return glfw


def displays(glfw: ModuleType) -> list[Any]:
    """Return GLFW's monitors, the main one first.

    Raises:
        OutputError: there is no display.
    """
    glfw.poll_events()  # notices displays that have been connected since
    monitors = list(glfw.get_monitors())
    if not monitors:
        raise OutputError("no display is connected; connect one, and switch it on")
    return monitors


def full_screen(glfw: ModuleType, monitor: Any) -> Any:  # noqa: ANN401 - pointers of GLFW
    """Return a window that fills ``monitor`` without changing its mode.

    Raises:
        OutputError: no window with OpenGL 3.3 can be opened.
    """
    mode = glfw.get_video_mode(monitor)
    for hint, value in (
        (glfw.CONTEXT_VERSION_MAJOR, 3),
        (glfw.CONTEXT_VERSION_MINOR, 3),
        (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
        (glfw.OPENGL_FORWARD_COMPAT, True),  # macOS has no other 3.3
        (glfw.RED_BITS, mode.bits.red),
        (glfw.GREEN_BITS, mode.bits.green),
        (glfw.BLUE_BITS, mode.bits.blue),
        (glfw.REFRESH_RATE, mode.refresh_rate or glfw.DONT_CARE),
        (glfw.AUTO_ICONIFY, False),  # it stays visible when another window has the focus
        (glfw.CENTER_CURSOR, False),
        (glfw.DEPTH_BITS, 0),
        (glfw.STENCIL_BITS, 0),
    ):
        glfw.window_hint(hint, value)
    window = glfw.create_window(mode.size.width, mode.size.height, "vjnode", monitor, None)
    if not window:
        raise OutputError(
            f"no window can be opened: {_reason(glfw)}; it needs a graphics driver with OpenGL 3.3"
        )
    return window


def _reason(glfw: ModuleType) -> str:
    _, text = glfw.get_error()
    return text.decode(errors="replace") if text else "GLFW does not say why"
