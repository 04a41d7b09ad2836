"""Running the real command line in a process of its own, as a user does."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.events import HANG_S

ROOT = Path(__file__).parents[2]


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def vjnode(*arguments, timeout_s=240, env=None):
    """Run to the end; returns the finished process with its texts."""
    return subprocess.run(
        [sys.executable, "-m", "vjnode", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, **(env or {})},
        check=False,
    )


def read_trace(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


class Show:
    """A running show, with its trace, its report and its children.

    through: a command that becomes the one that follows it, as ``nice`` does.
    """

    def __init__(self, folder, *arguments, env=None, through=()):
        self.trace_path, self.report_path = folder / "trace.jsonl", folder / "report.json"
        self.port = free_port()
        self.log_path = folder / "log.txt"
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *through,
                    *(sys.executable, "-m", "vjnode", "run", "--osc", f"127.0.0.1:{self.port}"),
                    *("--trace", self.trace_path, "--report", self.report_path),
                    *map(str, arguments),
                ],
                cwd=ROOT,
                stderr=log,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def log(self):
        return self.log_path.read_text()

    def wait_for_log(self, text, timeout_s=200):
        end = time.monotonic() + timeout_s
        while not re.search(text, self.log):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.05)

    def wait_until_live(self):
        """Wait until it is live, and then for what follows the first frames to be done."""
        self.wait_for_log(r"live: ")
        time.sleep(1.0)

    def children(self):
        """Process ids by the name that a process list shows."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text()
                title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == self.process.pid:
                found[title.removeprefix("vjnode: ")] = int(folder.name)
        return found

    def shared_memory(self):
        """Files of the shared memory that its processes have in use; other shows have theirs.

        Without those of JACK, which it looks for at first: they are shared with whoever else does.
        """
        used = set()
        for pid in (self.process.pid, *self.children().values()):
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
                used |= {line.split(maxsplit=5)[5] for line in lines if " /dev/shm/" in line}
        return {Path(name) for name in used if "/jack" not in name}

    def end(self, number=signal.SIGTERM, *, whole_group=False):
        """Tell it to end; returns the exit code and how long that took, s."""
        began = time.monotonic()
        (os.killpg if whole_group else os.kill)(self.process.pid, number)
        code = self.process.wait(HANG_S)
        return code, time.monotonic() - began

    def report(self):
        return json.loads(self.report_path.read_text())

    def trace(self):
        return read_trace(self.trace_path)


@contextmanager
def shows_in(folder):
    """Give what starts small shows that write into ``folder``; none of them outlives this."""
    shows = []

    def start(*arguments, **settings):
        shows.append(Show(folder, "--size", 256, *arguments, **settings))
        return shows[-1]

    try:
        yield start
    finally:
        for show in shows:
            if show.process.poll() is None:
                os.killpg(show.process.pid, signal.SIGKILL)
                show.process.wait()
