"""Files that a reader of checkpoints is attacked with, and the watch that nothing of them runs."""

import io
import os
import pickle
import subprocess
import sys
import zipfile

import torch

from tests.early import is_early
from tests.generators.checkpoints.layouts import Generator, Rosinality, pkl_of, pt_of, with_modules
from tests.generators.checkpoints.layouts3 import Generator3

CHANNELS, DIM = (2, 2, 2, 2, 2), 4

FORBIDDEN = {
    *("os.system", "os.exec", "os.fork", "os.spawn", "os.posix_spawn", "os.remove", "os.rename"),
    *("subprocess.Popen", "exec", "compile", "import", "pickle.find_class", "marshal.loads"),
    *("socket.__new__", "socket.connect", "ctypes.dlopen", "code.__new__", "function.__new__"),
}
"""Events of Python's audit that reading a file never leads to."""

watch = {"on": False, "seen": []}


def _hook(event, args):
    if watch["on"] and event in FORBIDDEN and not is_early():
        watch["seen"].append((event, repr(args)[:200]))


sys.addaudithook(_hook)  # it cannot be taken away again, only told to look away


class Runs:
    """An object whose pickle asks for a call."""

    def __init__(self, function, *args):
        self.asked = function, args

    def __reduce__(self):
        return self.asked


def calls(mark):
    """Return pickles' wishes that would each leave a mark, or harm."""
    return {
        "system": Runs(os.system, f"touch {mark}"),
        "eval": Runs(eval, f"open({str(mark)!r}, 'w')"),
        "exec": Runs(exec, f"open({str(mark)!r}, 'w')"),
        "open": Runs(open, str(mark), "w"),
        "popen": Runs(subprocess.Popen, ["touch", str(mark)]),
        "import": Runs(__import__, "antigravity"),
        "getattr": Runs(getattr, os, "system"),
        "torch_load": Runs(torch.load, str(mark)),
        "torch_hub": Runs(torch.hub.load, "nobody/nothing", "x"),
        "loads": Runs(pickle.loads, b"cos\nsystem\n."),
    }


def tensor_of(shape, strides, numbers=4, offset=0):
    data = io.BytesIO()
    torch.save(torch.zeros(numbers)._typed_storage(), data, _use_new_zipfile_serialization=False)
    where = Runs(torch.storage._load_from_bytes, data.getvalue())
    return Runs(torch._utils._rebuild_tensor_v2, where, offset, shape, strides, False, {})


def pickle_of(*operations):
    return b"\x80\x04" + b"".join(operations) + b"." + b" " * 20


def files(monkeypatch):
    with_modules(monkeypatch)
    torch.manual_seed(1)
    rosinality = Rosinality(CHANNELS, DIM, 1)
    return {
        "pkl": pkl_of(Generator(CHANNELS, DIM, 1)),
        "pkl3": pkl_of(Generator3(DIM, 64, layers=4, most=3)),
        "zip": pt_of(rosinality),
        "older": pt_of(rosinality, archive=False),
    }


OPERATIONS = b"(.0123acdeghijlopqrtuRbN}])\x80\x81\x85\x8a\x8e\x93\x94"
"""First bytes of a pickle's operations."""


def mutated(data, draws):
    """Return data with some of it changed: bytes, operations, lengths, order, end."""
    damaged = bytearray(data)
    for _ in range(draws.choice((1, 1, 2, 8))):
        at = draws.randrange(len(damaged)) if draws.random() < 0.5 else draws.randrange(4000)
        at = min(at, len(damaged) - 1)
        match draws.randrange(6):
            case 0:
                damaged[at] = draws.randrange(256)
            case 1:
                damaged[at] = draws.choice(OPERATIONS)
            case 2:
                damaged[at : at + 4] = draws.choice((b"\xff" * 4, b"\x00" * 4, b"\xff\xff\xff\x7f"))
            case 3:
                damaged[at:at] = draws.choice((b"cos\nsystem\n(S'x'\ntR", b"2" * 50, b"(" * 50))
            case 4:
                other = draws.randrange(len(damaged))
                damaged[at : at + 64] = damaged[other : other + 64]
            case 5:
                del damaged[at : at + draws.choice((1, 3, 17))]
    return bytes(damaged)


def mutated_within(data, draws):
    """Return an archive whose pickle is changed, and whose checksums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            new.writestr(name, mutated(held, draws) if name.endswith("data.pkl") else held)
    return stream.getvalue()
