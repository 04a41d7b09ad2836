"""Opens what makes the mattes of a show."""

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import VjnodeError
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import cache_dir
from vjnode.render.base import Look, Renderer
from vjnode.render.matte.estimate import estimate
from vjnode.render.matte.files import WEIGHTS, MatteFiles, namer
from vjnode.render.matte.looks import Draw, LookMattes
from vjnode.render.matte.network import Segmenter
from vjnode.render.open import latents_of

BLENDED_APART_S, DRAWN_APART_S = 0.05, 0.25
"""Pause between the pictures of a matte, s: where key frames are blended, and where each is drawn
and so may cost a frame."""


def open_mattes(renderer: Renderer, *, spec: GeneratorSpec, size: int) -> LookMattes:
    """Open the mattes of a show of ``size`` px that ``renderer`` draws, from spec's looks.

    The network is opened when the first matte is made.
    """
    name = namer(latents_of(spec), size, lambda: renderer.engine_name)
    apart_s = BLENDED_APART_S if renderer.draws_beside_the_clock else DRAWN_APART_S
    return LookMattes(lambda: Segmenter(threads=1).look, name, _files(size), apart_s=apart_s)


def whole_matte(
    renderer: Renderer, look: Look, *, spec: GeneratorSpec, size: int
) -> NDArray[np.uint8]:
    """Return the matte of a look that is prepared, from disk or made now; it is kept.

    Raises:
        VjnodeError: there is no network for it, or the engine has failed.
    """
    part, files = look.in_one_channel(), _files(size)
    name = namer(latents_of(spec), size, lambda: renderer.engine_name)(part)
    matte = files.read(name)
    if matte is None:
        draw = drawing(renderer, size)
        matte = estimate([draw(part, weight) for weight in WEIGHTS], Segmenter().look)
        files.keep(name, matte)
    return matte


def drawing(renderer: Renderer, size: int) -> Draw:
    """Return what draws a look that ``renderer`` shows, for a matte; no frame is lost by that."""

    def draw(look: Look, weight: float) -> NDArray[np.uint8]:
        picture = np.empty((size, size, 4), np.uint8)
        renderer.begin(look, look.weights_at(weight)).result().copy_to(picture)
        return picture

    return draw


def _files(size: int) -> MatteFiles:
    try:
        return MatteFiles(cache_dir("sweeps"), size)
    except VjnodeError:  # the key frames have told it
        return MatteFiles(None, size)
