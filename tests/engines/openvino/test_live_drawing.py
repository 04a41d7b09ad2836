"""The processor's engine, drawing small pictures live: right, as an engine of its own, and fast."""

import functools
import json
import time

import cv2
import numpy as np
import pytest
import torch

from tests.early import PYTHON, run
from tests.engines.cuda.cards import psnr_db
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.errors import InputError
from vjnode.faces.catalogue import expression_names, face_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.distilled_weights import SIZES
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT

SHARE = 0.35
"""Share of the whole generator's time that the live network may take; see docs/performance.md."""

TAUGHT = 10
"""Faces, the first ones, that the live network was trained on."""


@pytest.fixture(scope="module")
def codes():
    return load_face(0).codes


@pytest.mark.parametrize("size", SIZES)
def test_draws_what_the_live_network_says(codes, size):
    _, synthesis = load(generator_weights())
    with torch.inference_mode():
        network = DistilledGenerator(synthesis, load_tail(size))
        wanted = network(torch.from_numpy(codes.copy())[None], torch.ones(1))[0].numpy()
    engine = OpenVinoEngine(DEFAULT, size, quality="reduced")
    picture = engine.draw(still(codes))
    assert picture.shape == (size, size, 4)
    error = np.mean((picture.astype(float) - wanted) ** 2)
    assert 10 * np.log10(255**2 / error) >= 45
    assert np.array_equal(engine.draw(still(codes)), picture)


def likeness_db():
    """Return the likeness to the whole generator's pictures, PSNR in dB, by size.

    Of each face that ships, at rest, laughing and with two others, so that each expression is
    seen; all looks of all faces would take many minutes. First of those that it was taught, then
    of others.
    """
    faces, names = face_names(), expression_names()
    whole = OpenVinoEngine(DEFAULT, 512)
    lives = {size: OpenVinoEngine(DEFAULT, size, quality="reduced") for size in SIZES}
    found = {size: ([], []) for size in SIZES}
    for number, face in enumerate(map(load_face, faces)):
        shown = ("laugh", *(names[(2 * number + one) % len(names)] for one in (0, 1)))
        looks = [latent_of(face, load_expression(name), 1.0) for name in shown]
        for latent in (still(face.codes), *looks):
            wanted = whole.draw(latent)
            for size, live in lives.items():
                smaller = cv2.resize(wanted, (size, size), interpolation=cv2.INTER_AREA)
                found[size][number >= TAUGHT].append(psnr_db(live.draw(latent), smaller))
    return found


MEASURE = f"""
import json
from {__name__} import likeness_db
print(json.dumps({{size: [list(map(float, dbs)) for dbs in both]
                  for size, both in likeness_db().items()}}))
"""


@functools.cache
def measured():
    done = run(PYTHON, "-c", MEASURE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.early(work=lambda **_: measured())
@pytest.mark.parametrize(
    ("taught", "mean_db", "least_db"), [(True, 30.0, 27.5), (False, 28.5, 25.0)]
)
@pytest.mark.parametrize("size", SIZES)
def test_what_a_show_draws_looks_as_the_whole_generator_does(
    early, size, taught, mean_db, least_db
):
    likeness = early[str(size)][not taught]
    assert np.mean(likeness) >= mean_db
    assert np.min(likeness) >= least_db


def test_it_is_another_engine_than_the_whole_one():
    engines = [
        OpenVinoEngine(DEFAULT, size, quality=q) for size in SIZES for q in ("full", "reduced")
    ]
    assert len({engine.identity for engine in engines}) == 4
    assert ["live" in engine.name for engine in engines] == [False, True] * 2


def test_it_is_fast_enough_to_draw_every_frame(codes):
    """Both networks are timed in one run, by the processor's clock: other programs count less."""
    engines = [OpenVinoEngine(DEFAULT, 256, 2, quality=quality) for quality in ("reduced", "full")]
    times = {engine.name: [] for engine in engines}
    for engine in engines:
        engine.draw(still(codes))
    for _ in range(12):
        for engine in engines:
            start_s = time.process_time()
            engine.draw(still(codes))
            times[engine.name].append(time.process_time() - start_s)
    live_s, full_s = (min(times[engine.name]) for engine in engines)
    assert live_s <= SHARE * full_s


def test_large_pictures_are_not_drawn_live():
    with pytest.raises(InputError, match="1024 px live; choose one of"):
        OpenVinoEngine(DEFAULT, 1024, quality="reduced")
