"""Files for ``tools/check/hostile.py``: mutated checkpoints, and those made to do harm."""

import io
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.generators.checkpoints import hostile
from tests.generators.checkpoints.hostile import mutated, mutated_within, pickle_of
from tests.generators.checkpoints.layouts import Generator, Persistent, pkl_of

LONG_SHARE = 0.02
"""Share of the deep pickles that have more operations than are read, which takes seconds."""


class Files:
    """Maker of files. mark: path that a file would make if anything of it ran."""

    def __init__(self, mark: Path, patch: pytest.MonkeyPatch) -> None:
        self.mark = mark
        self.sound: dict[str, bytes] = hostile.files(patch)
        patch.setattr(Persistent, "mark", str(mark))
        source = pkl_of(Generator(hostile.CHANNELS, hostile.DIM, 1))
        self.sound["source"] = source
        self._calls = [
            data for one in hostile.calls(mark).values() if (data := _pickled(one)) is not None
        ] + [b"\x80\x04cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR."]

    def make(self, number: int, draws: random.Random) -> tuple[str, bytes]:
        """Return kind and bytes of a file."""
        if number % 10 == 0:
            makers: dict[str, Callable[[random.Random], bytes]] = {
                "call alone": lambda draws: draws.choice(self._calls) + b" " * 16,
                "call beside a network": self._beside,
                "call in an archive": self._archived,
                "payload in a tensor": self._nested,
                "shape beyond its numbers": self._shape,
                "length of 1 TB": self._length,
                "archive cut short": lambda draws: self._cut("zip", draws),
                "pickle cut short": lambda draws: self._cut("pkl", draws),
                "compressed archive": _compressed,
                "deep or wide pickle": _deep,
            }
            kind = [*makers][number // 10 % len(makers)]
            return kind, makers[kind](draws)
        kind = [*self.sound][number % len(self.sound)]
        data = self.sound[kind]
        within = kind == "zip" and draws.random() < 0.8
        return f"mutated {kind}", (mutated_within if within else mutated)(data, draws)

    def _beside(self, draws: random.Random) -> bytes:
        return self.sound["pkl"][:-1] + b"0" + draws.choice(self._calls)[2:]

    def _archived(self, draws: random.Random) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("archive/data.pkl", draws.choice(self._calls))
            archive.writestr(draws.choice(("../../x", "/etc/x", "archive/data/0")), b"x" * 64)
        return stream.getvalue()

    def _nested(self, draws: random.Random) -> bytes:
        inner = draws.choice(self._calls)
        begins: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
        begun = b"".join(pickle.dumps(one, 2) for one in begins)
        inner = draws.choice((inner, begun + inner, begun[: draws.randrange(len(begun))]))
        return _holding(hostile.Runs(hostile.torch.storage._load_from_bytes, inner))

    def _shape(self, draws: random.Random) -> bytes:
        sides = tuple(
            draws.choice((-1, 0, 1, 2, 2**20, 2**31, 2**40, 2**62, 2**70))
            for _ in range(draws.randrange(1, 9))
        )
        steps = tuple(draws.choice((-1, 0, 1, 2**31, 2**62)) for _ in sides)
        offset = draws.choice((0, -1, 3, 2**62))
        return _holding(hostile.tensor_of(sides, steps, offset=offset))

    def _length(self, draws: random.Random) -> bytes:
        code = draws.choice((b"\x8e", b"\x8d", b"\x96"))
        length = draws.choice((2**40, 2**63 - 1, 2**63, 2**64 - 1)).to_bytes(8, "little")
        return draws.choice(
            (
                pickle_of(code, length, b"x"),
                pickle_of(b"\x8b", b"\xff\xff\xff\x7f", b"x"),
                length + b"{" + b"x" * 100,
                (2**24).to_bytes(8, "little") + b'{"x":{"dtype":"F32","shape":[1099511627776],'
                b'"data_offsets":[0,4398046511104]}}',
            )
        )

    def _cut(self, kind: str, draws: random.Random) -> bytes:
        data = self.sound[kind]
        return data[: draws.randrange(1, len(data) - 1)]


def _pickled(one: object) -> bytes | None:
    try:
        return pickle.dumps(one)
    except TypeError:  # a module cannot be pickled
        return None


def _holding(tensor: object) -> bytes:
    """Return a checkpoint with something else where a tensor should be."""
    generator: Any = Generator(hostile.CHANNELS, hostile.DIM, 1)
    generator.synthesis.b4._parameters["const"] = tensor
    data: bytes = pkl_of(generator)
    return data


def _compressed(draws: random.Random) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x00" * draws.choice((10, 10**6, 10**7)))
    return stream.getvalue()


def _deep(draws: random.Random) -> bytes:
    many = draws.choice((1000, 50_000))
    if draws.random() < LONG_SHARE:
        many = 2_100_000
    made: bytes = draws.choice(
        (
            pickle_of(b"(" * many, b"t" * many),
            pickle_of(b"]" * many, b"a" * (many - 1)),
            pickle_of(b"]\x94", b"(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00e" * (many // 8)),
            pickle_of(b"]\x94(", b"h\x00" * many, b"e"),
            pickle_of(b"N" * many),
        )
    )
    return made
