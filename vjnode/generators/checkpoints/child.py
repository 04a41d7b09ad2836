"""Program of the process that reads a checkpoint: FILE, TARGET and, maybe, a class.

It writes the network to TARGET as safetensors, and says on stdout, in JSON, what it was, or why it
was not taken.
"""

import json
import mmap
import os
import stat
import sys
from pathlib import Path

from safetensors.numpy import save_file

from vjnode.errors import InputError
from vjnode.generators.checkpoints.found import Found
from vjnode.generators.checkpoints.limits import set_limits
from vjnode.generators.checkpoints.reading import CLAMP, NETWORK, Mapped, read_checkpoint

BYTES_HIGH = 4 * 2**30
"""Largest file; the checkpoint of a training at 1024 px has 0.4 GB."""


def main(words: list[str]) -> None:
    """Read the file that ``words`` name."""
    set_limits()
    path, target, *label = words
    said = json.dumps(answer(path, target, int(label[0]) if label else None))
    with os.fdopen(1, "w") as out:  # a pipe to who started this, and no console
        out.write(said)


def answer(path: str, target: str, label: int | None = None) -> dict[str, object]:
    """Read the checkpoint ``path``, write its network to ``target``, and say what it was.

    Returns: its layout and notes, or why it was refused.
    """
    try:
        found = _found(path, label)
        told = {CLAMP: found.clamp, NETWORK: found.network or None}
        metadata = {name: str(value) for name, value in told.items() if value is not None}
        save_file(found.tensors, Path(target), metadata or None)
    except InputError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": "it needs more memory than a checkpoint may take"}
    except OSError as error:
        return {"refused": f"it cannot be read ({error.strerror or error})"}
    except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to
        return {"refused": f"it is damaged, or no checkpoint ({type(error).__name__}: {error})"}
    return {"layout": found.layout, "notes": found.notes}


def _found(path: str, label: int | None) -> Found:
    # A pipe would wait for ever to be opened, unless it is told not to.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise InputError("it is not a regular file")
        if not 16 <= about.st_size <= BYTES_HIGH:
            raise InputError(f"it has {about.st_size} bytes; a checkpoint has up to {BYTES_HIGH}")
        with Mapped(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return read_checkpoint(data, label)


if __name__ == "__main__":
    main(sys.argv[1:])
