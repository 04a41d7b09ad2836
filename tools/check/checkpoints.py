"""Hold pictures of converted checkpoints against the published formulas, at their full sizes.

    python -m tools.check.checkpoints
    python -m tools.check.checkpoints --only 1024

Networks with random weights and the published numbers of channels are written in the layouts of
NVIDIA's and rosinality's programs, read as ``vjnode generators add`` reads them, and drawn. Prints
a table, and exits with 1 where a picture differs by more than 1e-4 of white.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.generators.checkpoints.layouts import Generator, Rosinality, pkl_of, pt_of, with_modules
from tests.generators.checkpoints.layouts3 import Generator3
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.stylegan2 import checkpoint as stylegan2
from vjnode.generators.stylegan2.folded import FoldedSynthesis
from vjnode.generators.stylegan2.layout import channels_for
from vjnode.generators.stylegan3 import checkpoint as stylegan3
from vjnode.generators.stylegan3.model import Picture

TOLERANCE = 1e-4
"""Largest difference; black is -1, white is 1."""

DIM, DEPTH = 512, 8


@dataclass(frozen=True)
class Case:
    """A network to be held against its formulas. make: its module and the bytes of its file."""

    layout: str
    px: int
    make: Callable[[], tuple[Any, bytes]]


def _nvidia(px: int) -> tuple[Any, bytes]:
    network = Generator(channels_for(px), DIM, DEPTH, clamp=256.0)
    return network, pkl_of(network)


def _rosinality(px: int) -> tuple[Any, bytes]:
    network = Rosinality(channels_for(px), DIM, DEPTH)
    return network, pt_of(network, mean=torch.zeros(DIM))


def _stylegan3(px: int, *, radial: bool) -> tuple[Any, bytes]:
    network = Generator3(
        DIM, px, base=16_384 * (1 + radial), most=512 * (1 + radial), radial=radial
    )
    return network, pkl_of(network)


CASES = [
    *(
        Case("StyleGAN2, .pkl", px, lambda px=px: _nvidia(px))  # type: ignore[misc]
        for px in (64, 128, 256, 512, 1024)
    ),
    *(
        Case("StyleGAN2, .pt", px, lambda px=px: _rosinality(px))  # type: ignore[misc]
        for px in (64, 128, 256, 512, 1024)
    ),
    Case("StyleGAN3-t, .pkl", 128, lambda: _stylegan3(128, radial=False)),
    Case("StyleGAN3-r, .pkl", 128, lambda: _stylegan3(128, radial=True)),
]


def differences(case: Case, folder: Path) -> tuple[float, float, float]:
    """Return the picture's standard deviation, and how far ours and its show's form are from it."""
    torch.manual_seed(case.px)
    published, data = case.make()
    path, target = folder / "given", folder / "made.safetensors"
    path.write_bytes(data)
    del data
    convert(path, target)
    family = stylegan3 if case.layout.startswith("StyleGAN3") else stylegan2
    mapping, ours = family.load(target)
    codes = torch.randn(1, ours.slots, len(mapping.mean))
    drawn = published if isinstance(published, Rosinality) else published.synthesis
    wanted: Tensor = drawn(codes)
    form = Picture(ours, case.px) if family is stylegan3 else FoldedSynthesis(ours, case.px)
    levels = form.levels(codes, torch.ones(1))[:, :3]
    return (
        float(wanted.std()),
        float((ours(codes) - wanted).abs().max()),
        float((levels / 127.5 - 1 - wanted).abs().max()),
    )


def check(cases: list[Case]) -> bool:
    """Print a row for each case, and return whether all are within the tolerance."""
    print("layout               px   deviation   model    as played   s")
    good = True
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        with_modules(patch)
        for case in cases:
            began_s = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                deviation, model, played = differences(case, Path(folder))
            took_s = time.perf_counter() - began_s
            missed = not max(model, played) <= TOLERANCE
            good &= not missed
            print(
                f"{case.layout:18} {case.px:5} {deviation:8.2f}   {model:8.1e}  {played:8.1e} "
                f"{took_s:6.0f}{'  MISSED' if missed else ''}",
                flush=True,
            )
    return good


def main(arguments: list[str] | None = None) -> int:
    """Check every layout, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.checkpoints", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--only", type=int, metavar="PX", help="networks of this size")
    only = parser.parse_args(arguments).only
    torch.set_num_threads(2)
    return 0 if check([case for case in CASES if only in (None, case.px)]) else 1


if __name__ == "__main__":
    sys.exit(main())
