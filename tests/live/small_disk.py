"""A disk of a few MiB, which one show sees and nobody else."""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.output.record.test_faults import namespaces
from tests.show.process import ROOT


class SmallDisk:
    """Such a disk: where a show has it, where its tests do, and what to start a show through."""

    def __init__(self, path, holder):
        self.path = path
        self.seen = Path(f"/proc/{holder}/root{path}")
        self.through = ("nsenter", f"--target={holder}", "--mount", f"--wd={ROOT}")

    @property
    def _others(self):
        return self.seen / "of others"

    def fill(self, leave_mib):
        """Let another program take all but ``leave_mib``."""
        with self._others.open("wb") as file:
            while (room := shutil.disk_usage(self.seen).free - (leave_mib << 20)) > 0:
                with suppress(OSError):  # the show took some of that meanwhile
                    taken = os.fstat(file.fileno()).st_size
                    os.posix_fallocate(file.fileno(), taken, room)

    def make_room(self):
        """Remove what another program has written."""
        self._others.unlink()


@contextmanager
def small_disk(path, size_mib):
    """Mount a disk at the folder ``path``; it is gone with all that is on it when this is over."""
    if not namespaces() or shutil.which("nsenter") is None:
        pytest.skip("mounting a small disk needs Linux, root, unshare and nsenter")
    path.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size={size_mib}m tmpfs "$0" && echo mounted && exec cat'
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", mount, path],
        stdin=subprocess.PIPE,  # whose end is also that of ``cat``, and of the disk
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"mounted\n"
        yield SmallDisk(path, holder.pid)
