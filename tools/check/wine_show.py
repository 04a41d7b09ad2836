"""Play a show with a Windows Python in a console of Wine, and end it; see tools/check/windows.sh.

    python -m tools.check.wine_show played|early|closed

played: 12 s, in which one of its processes is killed; Ctrl-C ends it. early: Ctrl-C comes while it
starts. closed: its console is closed. Exits with an error if the show does not end in order.
"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tools.check.recording import decode

OUT = Path(os.environ["WINEPREFIX"]) / "drive_c" / "out"
WINE = ["wine", os.environ["WINDOWS_PYTHON"], "-B"]
SHOW = ["-m", "vjnode", "run", "--audio", "demo", "--output", "null"]
SHOW += ["--output", r"record:C:\out\show.mp4,size=128", "--size", "256", "--fps", "30"]
SHOW += ["--report", r"C:\out\show.json", "--osc", "127.0.0.1:9019"]
CLOSED = "2"
CHILDREN = 5
"""Number of child processes: sound, pictures, two outputs, and one spare."""

LIVE, KILLED_S, SHOWN_S = r" live: ", 4.0, 12.0
START_S, END_S = 240.0, 5.0
"""Limits on the time of its start, as Wine is slow, and of its end: Windows gives a closed console
5 s."""


class Show:
    """A show on a terminal of its own; a context that leaves none of its processes running."""

    def __init__(self) -> None:
        self._said, self._ended = b"", False
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execvp(WINE[0], [*WINE, *SHOW])  # noqa: S606

    def __enter__(self) -> Self:
        """Return the show itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the processes that still run."""
        for pid in [*([] if self._ended else [self.pid]), *processes()]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def said(self) -> str:
        """Text that it has printed, without control sequences."""
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"\n", self._said)
        return text.decode(errors="replace")

    def listen(self, timeout_s: float) -> bool:
        """Read what it prints next; return False once it has ended."""
        if select.select([self._terminal], [], [], timeout_s)[0]:
            try:
                self._said += (heard := os.read(self._terminal, 65536))
            except OSError:
                return False
            return bool(heard)
        return True

    def play(self, until: str, timeout_s: float) -> float:
        """Wait until it has printed ``until``, and return the time taken, s."""
        began_s = time.monotonic()
        while not re.search(until, self.said):
            if not self.listen(0.1) or time.monotonic() > began_s + timeout_s:
                sys.exit(f"it has not said {until!r} within {timeout_s:g} s, but:\n{self.said}")
        return time.monotonic() - began_s

    def play_for(self, length_s: float) -> None:
        """Read its output for ``length_s``."""
        end_s = time.monotonic() + length_s
        while (left_s := end_s - time.monotonic()) > 0:
            if not self.listen(left_s):
                sys.exit(f"it has ended by itself:\n{self.said}")

    def type(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._terminal, key)

    def wait(self) -> float:
        """Wait for its end, which must be in order; return the time until then, s."""
        began_s = time.monotonic()
        while self.listen(0.1):
            if time.monotonic() > began_s + START_S:
                sys.exit(f"it has not ended:\n{self.said}")
        took_s = time.monotonic() - began_s
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._ended = True  # its process id may be reused from now on
        if code or "Traceback" in self.said:
            sys.exit(f"it has ended with {code}:\n{self.said}")
        return took_s


def processes() -> list[int]:
    """Return the Linux process ids of this Wine's Windows Pythons, without the show itself."""
    prefix = f"WINEPREFIX={os.environ['WINEPREFIX']}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            ours = prefix in (folder / "environ").read_bytes()
        except OSError:
            continue
        if ours and b"--multiprocessing-fork" in line:
            found.append(int(folder.name))
    return sorted(found)


def check(*, restarts: int) -> None:
    """Check that the report and the recording exist and are whole."""
    report = json.loads((OUT / "show.json").read_text())
    print({key: report[key] for key in ("frames", "fps", "restarts", "incidents", "engine")})
    print(decode(OUT / "show.mp4"))
    if report["restarts"] != restarts or report["frames"] < 30:
        sys.exit("that is not what has been played")


def play(show: Show, ending: str) -> None:
    """Play one show to the end that ``ending`` names."""
    if ending == "early":
        end_s = time.monotonic() + START_S
        while len(processes()) < CHILDREN:  # Wine fails on Ctrl-C while it starts a process
            show.play_for(0.05)
            if time.monotonic() > end_s:
                sys.exit(f"it has started no {CHILDREN} processes:\n{show.said}")
        show.type(b"\x03")
    else:
        print(f"live after {show.play(LIVE, START_S):.0f} s")
    if ending == "played":
        show.play_for(KILLED_S)
        os.kill(processes()[0], signal.SIGKILL)
        show.play_for(SHOWN_S - KILLED_S)
        show.play("is back after", START_S)
        show.type(b"\x03")
    elif ending == "closed":
        show.play_for(KILLED_S)
        press = [*WINE, "-m", "tools.check.wine_press", CLOSED]
        subprocess.run(press, stdin=subprocess.DEVNULL, capture_output=True, check=True)  # noqa: S603 - our own
    took_s = show.wait()
    print(f"ended in order after {took_s:.1f} s")
    if ending != "early":
        check(restarts=int(ending == "played"))
        if took_s > END_S:
            sys.exit(f"Windows waits {END_S:g} s, and no longer")
    if left_over := processes():
        sys.exit(f"these processes are left: {left_over}")


def main() -> None:
    """Play one show."""
    for left in OUT.glob("show.*"):
        left.unlink()
    with Show() as show:
        play(show, sys.argv[1])


if __name__ == "__main__":
    main()
