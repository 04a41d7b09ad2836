import numpy as np
import pytest

from vjnode.faces.catalogue import action_names
from vjnode.generators import latent as latents
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.mixtures import Mixtures
from vjnode.render.morph import Leg
from vjnode.render.open import latents_of

A, B, C = Look("raven", ("laugh",)), Look("aster", ("wonder",)), Look("dune", ("kiss",))
LATENTS = latents_of(DEFAULT)


def summed(mix, weights, side=None):
    """Return the codes and offsets of looks, each by its share, or those of half a face."""
    wholes = [(LATENTS(look, weights), part) for look, part in mix.items()]
    latents = [(dict(one.halves).get(side, one), part) for one, part in wholes]
    codes = sum(part * latent.codes() for latent, part in latents)
    offsets = np.zeros(DEFAULT.styles)
    for latent, part in latents:
        own = latent.offsets()
        offsets[: len(own)] += part * own
    return codes, offsets


def assert_draws(latent, mix, weights, side=None):
    DEFAULT.check_latent(latent)
    codes, offsets = summed(mix, weights, side)
    np.testing.assert_allclose(latent.codes(), codes, atol=1e-5)
    np.testing.assert_allclose(latent.offsets(), offsets, atol=1e-5)


def test_it_begins_with_the_very_latent_of_a_look():
    latent = Mixtures(DEFAULT).latent(Leg({A: 1.0}, B), 0.0, (0.7,))
    alone = LATENTS(A, (0.7,))
    assert np.array_equal(latent.codes(), alone.codes())
    assert np.array_equal(latent.offsets(), alone.offsets())


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_codes_and_movements_pass_over_in_proportion(share):
    leg = Leg({A: 0.6, B: 0.4}, C)
    assert_draws(Mixtures(DEFAULT).latent(leg, share, (0.8,)), leg.mix(share), (0.8,))


def test_an_engine_is_told_one_subject_for_the_whole_way():
    mixtures, leg = Mixtures(DEFAULT), Leg({A: 1.0}, B)
    first, second = (mixtures.latent(leg, share, (0.5,)) for share in (0.1, 0.9))
    assert first.subject is second.subject


def test_more_movements_than_a_picture_takes_are_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(latents, "DIRECTIONS", 16)
    actions = action_names(DEFAULT)
    leg = Leg({Look("raven", tuple(actions[:9])): 1.0}, Look("aster", tuple(actions[9:])))
    assert len(actions) + 1 > 16
    weights = [0.1 * number for number in range(1, 10)]
    latent = Mixtures(DEFAULT).latent(leg, 0.4, weights)
    assert len(latent.amounts) == 16
    assert_draws(latent, leg.mix(0.4), weights)


def test_a_half_of_a_face_is_mixed_in_like_all_else():
    leg = Leg({Look("raven", ("laugh", "wink_left")): 1.0}, Look("aster", ("wonder", "")))
    weights = (0.8, 1.0)
    latent = Mixtures(DEFAULT).latent(leg, 0.25, weights)
    ((side, half),) = latent.halves
    assert side == "left"
    assert half.subject is latent.subject
    assert_draws(half, leg.mix(0.25), weights, side)
    assert not Mixtures(DEFAULT).latent(leg, 0.25, (0.8, 0.0)).halves
