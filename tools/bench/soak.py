"""Monitor a long show: intervals of each output, memory and handles of each process.

    python -m tools.bench.soak [--minutes 10] [--output null --output record:/tmp/soak.mp4 …]
                               [--audio demo] [--size 1024] [--fps 60] [--every 30]
                               [--report FILE.json]

Prints a row from time to time while the show runs, and at the end the intervals of each output;
then decodes the recordings, and exits with 1 if picture and sound differ by more than a frame.
Reads /proc, so it is for Linux.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.check.recording import check

MIB = 1 << 20


def children(parent: int) -> dict[str, int]:
    """Return the process ids of a show by the names of its processes."""
    found = {"parent": parent}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == parent and title.startswith("vjnode: "):
            found[title.removeprefix("vjnode: ")] = int(folder.name)
    return found


def footprint(pid: int) -> tuple[float, int, float] | None:
    """Return resident memory (MiB), open handles and processor time (s); None if it has ended."""
    folder = Path(f"/proc/{pid}")
    try:
        pages = int((folder / "statm").read_text().split()[1])
        handles = len(list((folder / "fd").iterdir()))
        times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB, handles, sum(map(int, times)) / ticks


def watch(process: "subprocess.Popen[bytes]", every_s: float) -> None:
    """Print a row for each process of the show every ``every_s``, until the show ends."""
    began_s = time.monotonic()
    print(f"{'min':>6}  {'process':32} {'MiB':>8} {'handles':>8} {'cpu s':>8}")
    while process.poll() is None:
        minutes = (time.monotonic() - began_s) / 60
        for name, pid in children(process.pid).items():
            if (size := footprint(pid)) is not None:
                mib, handles, cpu_s = size
                print(f"{minutes:6.1f}  {name[:32]:32} {mib:8.1f} {handles:8d} {cpu_s:8.1f}")
        sys.stdout.flush()
        try:
            process.wait(every_s)
        except subprocess.TimeoutExpired:
            continue


def print_intervals(report: dict[str, Any]) -> None:
    """Print the measurements of each output's own clock, and the incidents."""
    print(
        f"\n{'output':32} {'fps':>8} {'p50':>7} {'p99':>7} {'p99.9':>7} {'max':>9} ms  late  gaps"
    )
    for name, one in report["outputs"].items():
        interval = one["interval_ms"]
        print(
            f"{name[:32]:32} {one['fps']:8.3f} {interval['p50']:7.2f} {interval['p99']:7.2f} "
            f"{interval['p999']:7.2f} {interval['max']:9.2f}  "
            f"{one['late']:7d} {len(one['gaps']):5d}"
        )
        for gap in one["gaps"]:
            print(f"    a gap of {gap['ms']:.0f} ms after {gap['at_s']:.1f} s")
        if one["about"]:
            print(f"    {one['about']}")
    print(f"restarts: {report['restarts']}")
    for incident in report["incidents"]:
        print(f"    {incident}")


def check_recordings(report: dict[str, Any]) -> bool:
    """Decode each recording, or its last part, and return whether all are whole.

    Earlier parts broke off with their process.
    """
    whole = True
    for name, one in report["outputs"].items():
        if name.startswith("record:"):
            if "file" in one["about"]:
                whole &= check(Path(one["about"]["file"]))
                print(f"    dropped as it said itself: {one['about']['dropped_frames']}")
            else:
                whole = False
                print(f"{name}: it was not recording at the end: {one['about']}")
    return whole


def main() -> int:
    """Run the show; return its exit code, or 1 for a recording that is not whole."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.soak", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--output", action="append", metavar="OUTPUT", help="default: null")
    parser.add_argument("--audio", default="demo")
    parser.add_argument("--size", default="1024")
    parser.add_argument("--fps", default="60")
    parser.add_argument("--osc", default="127.0.0.1:9018")
    parser.add_argument("--every", type=float, default=30.0, metavar="S", help="between rows")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="keep the report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = options.report or Path(folder) / "report.json"
        command = [sys.executable, "-m", "vjnode", "run", "--audio", options.audio]
        for output in options.output or ["null"]:
            command += ["--output", output]
        command += ["--size", options.size, "--fps", options.fps, "--osc", options.osc]
        command += ["--duration", str(options.minutes * 60), "--report", str(report)]
        process = subprocess.Popen(command)  # noqa: S603 - our own
        try:
            watch(process, options.every)
        except KeyboardInterrupt:
            process.wait()  # the show has received the signal too
        if process.returncode != 0:
            return process.returncode
        figures = json.loads(report.read_text())
        print_intervals(figures)
        return 0 if check_recordings(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
