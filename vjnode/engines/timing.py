"""Checks that an engine draws, and times it on this machine: once, then the time is known."""

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine, Named
from vjnode.errors import VjnodeError
from vjnode.generators.latent import Latent, still
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import cache_dir, replace_file
from vjnode.runtime import cores

DRAWS = 20
"""At most so many pictures are timed, after one that is not."""

ENOUGH_S = 1.0
"""No further one is begun after this time, s: somebody waits for a show to start."""


MEASURED = 2
"""Grows when pictures are timed in another way."""

LEAST_CONTRAST = 8.0
"""A picture whose levels 0…255 have a smaller standard deviation is not one of a face."""


def probe(spec: GeneratorSpec = DEFAULT) -> Latent:
    """Return the latent of the generator's mean picture."""
    return still(np.tile(spec.mean_latent(), (spec.slots, 1)))


def looks_like_one(picture: NDArray[np.uint8], size: int) -> bool:
    """Return whether ``picture`` could be one of a face: opaque, and neither flat nor half missing.

    Levels that were not finite come out as one flat colour.
    """
    if picture.shape != (size, size, 4) or (picture[..., 3] != 255).any():
        return False
    quarters = picture[..., :3].reshape(2, size // 2, 2, size // 2, 3)
    return bool((quarters.std((1, 3)).mean(-1) >= LEAST_CONTRAST).all())


@dataclass(frozen=True)
class Timed:
    """Time of a picture, ms: the quickest of all measurements; and how many there were."""

    ms: float
    count: int = 1


def measured_ms(
    engine: Engine, *, anew: bool = False, count: int = 1, spec: GeneratorSpec = DEFAULT
) -> float:
    """Return how long a picture takes, until it is here, ms: the quickest of several.

    An engine is opened while a show starts, which takes every core and holds up some of them.
    Of an engine that draws several at once, the time from one picture to the next. Measured once
    for each engine, device and number of cores, and kept in the cache.

    anew: measure it again and forget what was. count: measure it again, and keep the quickest,
    unless that was done so often: the machine may have been busy. spec: of what it draws.
    """
    before = None if anew else _all().get(_key(engine))
    if before is not None and before.count >= count:
        return before.ms
    latent, times_s = probe(spec), list[float]()
    engine.draw(latent)  # the first one may take longer
    while not times_s or (len(times_s) < DRAWS and sum(times_s) < ENOUGH_S):
        times_s.append(_drawing_s(engine, latent))
    found = Timed(round(1e3 * min(times_s), 3))
    if before is not None:
        found = Timed(min(found.ms, before.ms), before.count + 1)
    kept = {key: [one.ms, one.count] for key, one in (_all() | {_key(engine): found}).items()}
    # Where it cannot be kept, it is measured again the next time.
    with suppress(OSError, VjnodeError):
        replace_file(_file(), json.dumps(kept).replace("], ", "],\n ").encode())
    return found.ms


def _drawing_s(engine: Engine, latent: Latent) -> float:
    start_s = time.perf_counter()
    for picture in [engine.begin(latent) for _ in range(engine.parallel)]:
        picture.result()
    return (time.perf_counter() - start_s) / engine.parallel


def kept_ms(engine: Named, *, count: int = 1) -> float | None:
    """Return what ``measured_ms`` has measured before, ms; None: not ``count`` times yet."""
    known = _all().get(_key(engine))
    return None if known is None or known.count < count else known.ms


def _all() -> dict[str, Timed]:
    """Return everything that was measured on this machine; nothing of a damaged file."""
    try:
        found = json.loads(_file().read_bytes())
        return {
            str(key): Timed(float(one[0]), int(one[1]))
            if isinstance(one, list)
            else Timed(float(one))
            for key, one in found.items()
        }
    except (OSError, VjnodeError, ValueError, TypeError, AttributeError, IndexError):
        return {}


def _key(engine: Named) -> str:
    """Return what a time belongs to; an engine's name says on which device it is."""
    about = f"{MEASURED} {engine.identity} {engine.name} {engine.size} {cores()}"
    return f"{engine.name}, {engine.size} px, {hashlib.sha256(about.encode()).hexdigest()[:12]}"


def _file() -> Path:
    return cache_dir("engines") / "measured.json"
