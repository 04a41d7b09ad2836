"""Start of the process that reads a checkpoint, and its answer."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vjnode.errors import InputError
from vjnode.generators.checkpoints.limits import CPU_S, WALL_S

SAID_HIGH = 400
"""Most characters of a reason that are passed on."""


@dataclass(frozen=True)
class Answer:
    """Word of the reading process. layout: whose files it was in. notes: for people."""

    layout: str
    notes: tuple[str, ...]


def convert(path: Path, target: Path, label: int | None = None) -> Answer:
    """Have a process with limits read the checkpoint ``path``, and write its network to ``target``.

    target: .safetensors in the layout of ``vjnode.generators.stylegan2.checkpoint``; not to be
        trusted before it was checked. label: see ``reading.read_checkpoint``.

    Raises:
        InputError: it was refused, or the process came to its limits or died.
    """
    words = [str(path), str(target), *([] if label is None else [str(label)])]
    # -P: no module of the folder that vjnode was started in is imported.
    command = [sys.executable, "-P", "-m", "vjnode.generators.checkpoints.child", *words]
    # Threads would each reserve memory.
    changed = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    package = str(Path(__file__).resolve().parents[3])
    changed["PYTHONPATH"] = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WALL_S,
            check=False,
            env={**os.environ, **changed},
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{path}: it took more than {WALL_S} s to read; it is refused") from error
    answer = _answer(done.stdout)
    if "refused" in answer:
        raise InputError(f"{path}: {_printable(answer['refused'])}")
    if "layout" not in answer or done.returncode != 0 or not target.is_file():
        last = _printable(next(reversed(done.stderr.decode(errors="replace").splitlines()), ""))
        raise InputError(
            f"{path}: the process that read it ended with {done.returncode} ({last}); it is "
            f"damaged, or asks for more memory or more than {CPU_S} s of the processor"
        )
    notes = answer.get("notes")
    return Answer(
        _printable(answer["layout"]),
        tuple(map(_printable, notes)) if isinstance(notes, list) else (),
    )


def _answer(said: bytes) -> dict[str, object]:
    try:
        answer = json.loads(said)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _printable(text: object) -> str:
    """Return a text without anything that would steer a terminal, and not too long."""
    return "".join(one if one.isprintable() else "?" for one in str(text)[:SAID_HIGH])
