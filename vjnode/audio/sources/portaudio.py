"""Safe use of PortAudio, which is optional, writes to stderr and may hang."""

import os
import platform
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from vjnode.errors import SourceError
from vjnode.remedies import install, install_extra, install_packages

RELEASE_S = 1.0

JACK_FOLDER = Path(f"/dev/shm/jack_db-{os.getuid()}") if hasattr(os, "getuid") else None  # noqa: S108
"""Folder in which JACK's library keeps its database; None on Windows."""

_RELEASE = "release PortAudio"


def load_pyaudio() -> ModuleType:
    """Import PyAudio.

    Raises:
        SourceError: it is not installed, or its library is missing; tells how to install it.
    """
    try:
        import pyaudio  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        raise SourceError(
            "PyAudio is not installed, and live sound needs it; "
            f"{_headers()}run: {install_extra('live')}"
        ) from error
    except ImportError as error:
        raise SourceError(
            f"PyAudio cannot be loaded ({error}); {_headers()}"
            f"run: {install('--force-reinstall', '--no-cache-dir', 'PyAudio')}"
        ) from error
    module: ModuleType = pyaudio
    return module


def _headers() -> str:
    """Return a phrase on the headers that PyAudio needs here, to precede its install command."""
    system = platform.system()
    if system == "Darwin":
        return "run: brew install portaudio and then "
    if system == "Linux":
        return f"{install_packages('portaudio19-dev', 'python3-dev', 'gcc')} and then "
    return ""  # there are wheels


def initialise(pyaudio: ModuleType) -> Any:  # noqa: ANN401 - PyAudio has no types
    """Return a ``pyaudio.PyAudio`` with a fresh device list.

    Raises:
        SourceError: the sound system does not start, or hangs in this process.
    """
    if hangs():
        raise SourceError("the sound system hangs in this process; only a new one can use it")
    try:
        with quiet_stderr():
            return pyaudio.PyAudio()
    except OSError as error:
        raise SourceError(f"the sound system does not start: {error}") from error


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what C libraries write to stderr: ALSA and JACK report every failed attempt there.

    Does nothing where there is no stderr, as in pythonw.exe.
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # stderr is gone, or closed
            sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def no_jack_leftovers() -> Iterator[None]:
    """Remove the files that the JACK client library leaves in shared memory if it finds no server.

    PortAudio asks JACK on Linux even where nobody uses it. The folder is kept if it existed
    before, or if another process has a file open in it, as a server started meanwhile does: then
    it belongs to somebody else.
    """
    was_there = JACK_FOLDER is None or JACK_FOLDER.exists()
    try:
        yield
    finally:
        if JACK_FOLDER is not None and not was_there and not _used_by_others(JACK_FOLDER):
            shutil.rmtree(JACK_FOLDER, ignore_errors=True)


def _used_by_others(folder: Path) -> bool:
    """Return whether another process has a file in ``folder`` open, as far as we may look."""
    own = str(os.getpid())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = [] if process.name == own else list((process / "fd").iterdir())
        except OSError:  # the process has ended, or is another user's
            continue
        if any(_lies_in(folder, file) for file in files):
            return True
    return False


def _lies_in(folder: Path, file: Path) -> bool:
    """Return whether a process's open file lies in ``folder``; False if it is closed by now."""
    try:
        return file.readlink().is_relative_to(folder)
    except OSError:
        return False


def release(library: Any, stream: Any | None) -> None:  # noqa: ANN401
    """Close stream and library, but wait no longer than a second.

    With a dead sound server these calls never return. They are then left running in a daemon
    thread; the process can end, but PortAudio cannot be used in it again, and ``hangs`` returns
    True.
    """

    def work() -> None:
        if stream is not None:
            stream.close()
        library.terminate()

    thread = threading.Thread(target=work, name=_RELEASE, daemon=True)
    thread.start()
    thread.join(RELEASE_S)


def hangs() -> bool:
    """Return whether PortAudio is still being released in this process, and must be left alone."""
    return any(thread.name == _RELEASE for thread in threading.enumerate())
