"""Directions for any generator: the principal components of its style codes, as expressions.

What random style codes differ in most moves a picture most, whatever it shows: nothing about it
needs to be known, and no picture is drawn.
"""

import json
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import forget_own
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import replace_file

DRAWS, BATCH = 8192, 1024
"""Style codes that components are found from, and how many are made at once."""

FARTHEST = 2.0
"""Amount of a component at weight 1, in standard deviations of the style codes along it."""

FLOW = (
    (0.0, 0.5, 1.0, 1.5, 2.0),
    (0.0, 0.9, 1.4, 1.3, 0.8),
    (0.0, 0.9, 0.2, -0.8, -0.9),
)
"""Amounts of the first components over the weight, in standard deviations: on, aside, around."""

COUNT_HIGH = 32


def principal_components(
    spec: GeneratorSpec, count: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return components of a generator's style codes, the largest first, and their shares.

    Returns: (count, dim), each as long as the standard deviation along it, and (count,), the share
        of all variance. A sign that means nothing is chosen so that the largest number is positive.
    """
    import torch  # noqa: PLC0415 - takes seconds

    mapping, draws = spec.mapping(), np.random.default_rng(seed)
    with torch.inference_mode():
        codes = np.concatenate(
            [
                mapping(torch.from_numpy(draws.standard_normal((BATCH, spec.dim), np.float32)), 1.0)
                for _ in range(DRAWS // BATCH)
            ]
        ).astype(np.float64)
    variances, vectors = np.linalg.eigh(np.cov(codes, rowvar=False))
    variances, vectors = np.maximum(variances[::-1], 0.0), vectors[:, ::-1].T
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], 1)
    found = vectors * np.sign(largest) * np.sqrt(variances)[:, None]
    shares = variances / max(float(variances.sum()), 1e-12)
    # In C order: safetensors would write another order as if it were that.
    return found[:count].astype(np.float32, "C"), shares[:count].astype(np.float32)


def find_components(
    spec: GeneratorSpec, count: int, seed: int, out: Path, say: Callable[[str], None]
) -> None:
    """Find components and write each as an expression of the generator's; and one that flows.

    That one goes through the first of them in a bow (``FLOW``), so that one weight moves several.

    out: folder whose ``expressions`` they go into. say: is told what was written.

    Raises:
        InputError: there are not so many, or a file of another generator's is in the way.
        VjnodeError: a file cannot be written.
    """
    if count > spec.dim:
        raise InputError(f"{spec.name} has {spec.dim} components, not {count}")
    folder = out / "expressions"
    found, shares = principal_components(spec, count, seed)
    each = [
        (f"c{i + 1}", f"component {i + 1}, {100 * float(shares[i]):.1f} % of the variety", [one])
        for i, one in enumerate(found)
    ]
    flow = ("flow", f"through {min(count, len(FLOW))} components in a bow", [*found[: len(FLOW)]])
    paths = {}
    for name, *_ in (flow, *each):
        paths[name] = folder / f"{spec.name}-{name}.toml"
        _check_free(paths[name], spec)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (name, about, components) in enumerate((flow, *each)):
            curves = FLOW if name == "flow" else ((0.0, FARTHEST),)
            text = _text(spec, number, about, curves[: len(components)], seed)
            tensors = {f"component{i}": one for i, one in enumerate(components)}
            replace_file(paths[name].with_suffix(".safetensors"), save(tensors))
            replace_file(paths[name], text.encode())
            say(str(paths[name]))
    except OSError as error:
        raise VjnodeError(f"{error.filename} cannot be written ({error.strerror})") from error
    forget_own()


def _text(
    spec: GeneratorSpec, number: int, about: str, curves: Sequence[Sequence[float]], seed: int
) -> str:
    """Return the text of an expression of components. curves: amounts of each over the weight."""
    slots = [slot for slot in range(spec.slots) if slot not in spec.dead_slots]
    weights = [round(float(one), 4) for one in np.linspace(0, 1, len(curves[0]))]
    parts = [
        f'[[part]]\nname = "component{i}"\nslots = {slots}\namounts = {[*curve]}\n\n'
        for i, curve in enumerate(curves)
    ]
    return (
        f'number = {number}\ngenerator = "{spec.codes_of}"\nabout = {json.dumps(about)}\n'
        f"weights = {weights}\n\n{''.join(parts)}"
        f"# Found by: vjnode expressions find --components\n[found]\nseed = {seed}\n"
    )


def _check_free(path: Path, spec: GeneratorSpec) -> None:
    """Refuse to overwrite an expression of another generator."""
    try:
        theirs = tomllib.loads(path.read_text(encoding="utf-8")).get("generator")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); move it, or choose --out") from error
    if theirs != spec.codes_of:
        raise InputError(f"{path} is of the generator {theirs!r}; move it, or choose --out")
