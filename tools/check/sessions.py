"""Check that no session is lost by a kill, and that no bytes in its place do harm.

    python -m tools.check.sessions [--kills 1000] [--mutations 100000] [--seed 1]

A process records as fast as it can and is killed; another goes on in the same file. Then bytes of
a good session are changed, half of them with checksums that are right. Prints a table, and ends
with 1 where a session was not a beginning of what was recorded, or where anything but an error for
people came of it. POSIX only, for kills.
"""

import argparse
import logging
import multiprocessing
import os
import random
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path

from vjnode.audio.tempo.beat import Beat
from vjnode.control.state import Controls
from vjnode.errors import InputError
from vjnode.modulation.drive import Drive
from vjnode.show.session.reader import Session, open_session
from vjnode.show.session.recorder import SessionRecorder, SessionWriter
from vjnode.show.session.records import CRC, FRAME, MAGIC, Header, packed

HEADER = Header("0", "mobilestylegan", "", 256, "60")
LONGEST_S = 0.08
"""Longest time, s, for which a process records."""


def told(number: int) -> tuple[float, Controls, Drive]:
    """Return what a process records as its tick of that number."""
    now_s = number / 60
    beat = Beat(120.0, number / 30, now_s, 0.0, 1.0, True)
    drive = Drive(
        *(now_s, now_s, -20.0, 1.0, True, number, ((now_s, 0.5),)),
        *(number % 100 / 100, now_s, 0.1, 0.2, 0.3, beat),
    )
    return now_s, Controls("", "aster", "laugh", gain=number // 7 % 40 / 10), drive


def record(path: Path, again: bool, pipe: int) -> None:
    """Be a process that records until it is killed."""
    recorder = SessionRecorder(path, HEADER, again=again)
    os.write(pipe, b".")
    controls, gain = told(0)[1], -1.0
    for number in range(1 << 30):
        now_s, asked, drive = told(number)
        if asked.number("gain") != gain:
            controls, gain = asked, asked.number("gain")
        while recorder.full:  # faster than any show
            time.sleep(0.001)
        recorder.tick(now_s, controls, packed(drive))


def fault(session: Session) -> str:
    """Return how a session differs from beginnings of what was recorded; "" if it does not."""
    header, number = None, 0
    for tick in session.ticks():
        if tick.header is not header:
            header, number = tick.header, 0
        now_s, controls, drive = told(number)
        if (tick.now_s, tick.controls, tick.drives) != (now_s, controls, (drive,)):
            return f"tick {number} is not what was recorded"
        number += 1
    return ""


def killed(folder: Path, chance: random.Random) -> tuple[str, int]:
    """Record and kill; return what is wrong then, and how many ticks there are."""
    path = folder / "killed.vjsession"
    path.unlink(missing_ok=True)
    fork = multiprocessing.get_context("fork")
    reader, pipe = os.pipe()
    process = fork.Process(target=record, args=(path, False, pipe))
    process.start()
    os.read(reader, 1)
    time.sleep(chance.uniform(0.0, LONGEST_S))
    assert process.pid is not None  # noqa: S101 - it was started
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    os.close(reader)
    os.close(pipe)
    return judged(path)


def judged(path: Path) -> tuple[str, int]:
    """Return what is wrong with a session that was killed, and how many ticks it has."""
    try:
        session = open_session(path)
    except InputError as error:
        empty = not path.exists() or path.stat().st_size < 1 << 13
        return ("" if empty else str(error)), 0
    return fault(session), session.ticks_count


def restarted(folder: Path) -> str:
    """Return what is wrong where a torn end is cut off and another process goes on."""
    path = folder / "killed.vjsession"
    data = path.read_bytes() if path.exists() else b""
    later_s = 1e6
    with SessionWriter(path, HEADER, again=True) as writer:
        writer.tick(later_s, told(0)[1], [])
    session = open_session(path)
    last = list(session.ticks())[-1]
    if last.now_s != later_s or path.stat().st_size + (1 << 12) < len(data):
        return "another process does not go on behind the last record"
    return ""


def mutated(good: bytes, chance: random.Random) -> bytes:
    """Return a session with some bytes changed, or cut; half have checksums that are right."""
    data = bytearray(good)
    for _ in range(chance.randrange(1, 8)):
        data[chance.randrange(len(MAGIC), len(data))] = chance.randrange(256)
    if chance.random() < 0.2:
        del data[chance.randrange(len(data)) :]
    at = len(MAGIC)
    while chance.random() < 0.5 and len(data) - at >= FRAME.size + CRC.size:
        (length,) = struct.unpack_from("<I", data, at + 1)
        end = at + FRAME.size + length
        if end + CRC.size > len(data):
            break
        data[end : end + CRC.size] = CRC.pack(zlib.crc32(data[at:end]))
        at = end + CRC.size
    return bytes(data)


def main() -> None:
    """Kill, mutate, print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.sessions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # a warning for each
    chance, faults = random.Random(options.seed), Counter[str]()
    ticks = played = refused = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(options.kills):
            wrong, count = killed(folder, chance)
            faults[wrong or restarted(folder)] += 1
            ticks += count
        path = folder / "mutated.vjsession"
        with SessionWriter(path, HEADER) as writer:
            for number in range(8):
                now_s, controls, drive = told(number)
                writer.tick(now_s, controls, [drive])
        good = path.read_bytes()
        for _ in range(options.mutations):
            path.write_bytes(mutated(good, chance))
            with suppress(InputError):
                refused += 1
                session = open_session(path)
                refused -= 1
                played += sum(1 for _ in session.ticks()) == session.ticks_count
    faults.pop("", None)
    print(f"kills {options.kills}: {ticks} ticks whole, {sum(faults.values())} faults")
    print(f"mutations {options.mutations}: {played} played as far as whole, {refused} refused")
    for wrong, count in faults.items():
        print(f"  {count} × {wrong}")
    sys.exit(bool(faults) or played + refused != options.mutations)


if __name__ == "__main__":
    main()
