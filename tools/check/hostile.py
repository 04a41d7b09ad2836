"""Read damaged and hostile checkpoints by the thousand: none may run, hang or fill the memory.

    python -m tools.check.hostile
    python -m tools.check.hostile --count 2000 --seed 7

Most are mutations of small checkpoints in each layout; every tenth is made to do harm: calls,
source code, nested payloads, shapes of a terabyte, truncated archives, links, pipes. They are read
by processes with the limits of ``vjnode generators add``, and every two-hundredth by its own
command. Exits with 1 where a file had an effect, took more than two minutes, ended a process, or
was taken as a checkpoint without being one.
"""

import argparse
import multiprocessing
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.generators.checkpoints.hostile import watch
from tests.generators.checkpoints.layouts import with_modules
from tools.check.hostile_files import Files
from vjnode.errors import InputError
from vjnode.generators.checkpoints import child
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.checkpoints.limits import MEMORY_BYTES, set_limits

BATCH = 500
"""Files of one process: its time on the processor is limited."""

HANG_S = 120.0
"""Time after which a file counts as one that hangs; on a busy machine any takes some seconds."""

COMMAND_EVERY = 200
"""Each file of this number is read by the command's own process as well."""


@dataclass
class Found:
    """Outcome of many files. kinds: their number by kind and answer. missed: what went wrong."""

    kinds: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    memory_bytes: int = 0

    def add(self, other: "Found") -> None:
        """Take in the outcome of other files."""
        self.kinds += other.kinds
        self.missed += other.missed
        self.longest_s = max(self.longest_s, other.longest_s)
        self.memory_bytes = max(self.memory_bytes, other.memory_bytes)


def read_batch(numbers: range, seed: int, folder: Path, answer: Any) -> None:  # noqa: ANN401
    """Read the files of some numbers, in a process of its own, and send what was found.

    answer: end of a pipe.
    """
    warnings.simplefilter("ignore")  # of numbers and texts that are none
    found, path, target = Found(), folder / "given", folder / "made.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        with_modules(patch)
        files = Files(folder / "it-was-run", patch)
        _import_late(path, target)
        set_limits()
        signal.signal(signal.SIGALRM, _hangs)
        for number in numbers:
            draws = random.Random(f"{seed} {number}")
            kind, data = files.make(number, draws)
            path.write_bytes(data)
            answer.send((number, kind))
            began_s = time.perf_counter()
            said = _read(path, target)
            found.longest_s = max(found.longest_s, time.perf_counter() - began_s)
            if isinstance(said, str):
                found.missed.append(f"{number}, {kind}: {said}")
                continue
            taken = "layout" in said
            found.kinds[f"{kind}: {'taken' if taken else 'refused'}"] += 1
            if taken and not kind.startswith("mutated"):
                found.missed.append(f"{number}, {kind}: taken as a checkpoint")
            if files.mark.exists():
                found.missed.append(f"{number}, {kind}: it was run")
                files.mark.unlink()
    found.memory_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.send(found)


def _import_late(path: Path, target: Path) -> None:
    """Import what reading imports late: an import is watched for."""
    np.random.default_rng()
    "".encode("raw-unicode-escape")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    child.answer(str(path), str(target))


def _hangs(*_: object) -> None:
    raise KeyboardInterrupt


def _read(path: Path, target: Path) -> dict[str, object] | str:
    """Return what the reader says of a file, or what it did that it must not."""
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    watch.update(on=True, seen=[])
    try:
        said = child.answer(str(path), str(target))
    except KeyboardInterrupt:
        return f"it hangs for more than {HANG_S} s"
    except BaseException as error:  # noqa: BLE001 - none may come
        return f"{type(error).__name__} was raised: {error}"
    finally:
        watch["on"] = False
        signal.setitimer(signal.ITIMER_REAL, 0)
    return f"it led to {watch['seen'][0]}" if watch["seen"] else said


def read_apart(count: int, seed: int, folder: Path) -> Found:
    """Read some of the files as the command does, and links and pipes with them."""
    found = Found()
    with pytest.MonkeyPatch.context() as patch:
        with_modules(patch)
        files = Files(folder / "it-was-run", patch)
        loop, pipe, endless = (folder / name for name in ("loop", "pipe", "endless"))
        loop.symlink_to(loop)
        os.mkfifo(pipe)
        endless.symlink_to("/dev/zero")
        paths = [loop, pipe, endless, folder, folder / "none"]
        for number in range(0, count, COMMAND_EVERY):
            # Another kind each time, and not the one that the number stands for.
            _, data = files.make(number + number // COMMAND_EVERY, random.Random(seed + number))
            path = folder / f"apart-{number}"
            path.write_bytes(data)
            paths.append(path)
        for path in paths:
            began_s = time.perf_counter()
            try:
                convert(path, folder / "made-apart.safetensors")
                word = "taken"
            except InputError:
                word = "refused"
            found.longest_s = max(found.longest_s, time.perf_counter() - began_s)
            found.kinds[f"by the command: {word}"] += 1
            if files.mark.exists():
                found.missed.append(f"{path.name}: it was run")
                files.mark.unlink()
    return found


def check(count: int, seed: int) -> Found:
    """Read ``count`` files, and return what was found."""
    found, starting = Found(), multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for first in range(0, count, BATCH):
            here, there = starting.Pipe(duplex=False)
            numbers = range(first, min(first + BATCH, count))
            process = starting.Process(target=read_batch, args=(numbers, seed, folder, there))
            process.start()
            there.close()
            last: Any = None
            try:
                while not isinstance(last, Found):
                    last = here.recv()
                found.add(last)
            except EOFError:
                found.missed.append(f"{last}: the process that read it ended")
            process.join()
            print(f"{numbers.stop} read, {len(found.missed)} missed", file=sys.stderr)
        found.add(read_apart(count, seed, folder))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the check, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.hostile", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20_000, help="of files")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    found = check(options.count, options.seed)
    for kind, number in sorted(found.kinds.items()):
        print(f"{number:6}  {kind}")
    print(
        f"{sum(found.kinds.values())} files; the longest took {found.longest_s:.2f} s; "
        f"most memory {found.memory_bytes / 2**20:.0f} MiB of {MEMORY_BYTES / 2**20:.0f}; "
        f"{len(found.missed)} missed"
    )
    print(*found.missed[:50], sep="\n")
    return 1 if found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
