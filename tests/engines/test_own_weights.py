"""Faces with weights of their own beside others: two engines stay open, a bad file harms nobody."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vjnode.engines import own_weights
from vjnode.engines.base import OneByOne
from vjnode.engines.own_weights import WithOwnWeights, WithTuned
from vjnode.errors import InputError
from vjnode.generators.latent import Latent, Subject, Weights

NONE = np.zeros(0, np.float32)


class Engine(OneByOne):
    def __init__(self, level, size=4):
        self.level, self.size, self.closed = level, size, 0
        self.name, self.identity = f"level {level}", str(level)

    def draw(self, latent):
        return np.full((self.size, self.size, 4), self.level, np.uint8)

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        self.closed += 1


def latent(number):
    """Return a latent of a face with weights of its own; 0: of one without."""
    weights = Weights(Path(f"{number}.safetensors"), f"{number:064}", 8) if number else None
    none = np.zeros((1, 1), np.float32)
    subject = Subject(none, np.zeros((0, 1, 1), np.float32), none[:0], weights)
    return Latent(subject, np.zeros(0, np.float32))


@pytest.fixture
def opened():
    return []


@pytest.fixture
def engine(opened, monkeypatch):
    monkeypatch.setattr(own_weights, "_unusable", set())

    def open_one(weights, threads):
        if weights.path.stem == "99":
            raise InputError("it is damaged")
        opened.append(Engine(int(weights.path.stem), size=8))
        return opened[-1]

    return WithOwnWeights(Engine(200), 1, open_one)


def test_each_face_is_drawn_by_its_weights_at_the_shows_size(engine):
    for number, level in ((0, 200), (1, 1), (0, 200), (2, 2), (1, 1)):
        pictures = [
            engine.draw(latent(number)),
            engine.begin(latent(number)).result(),
            engine.draw_unless(lambda: False, latent(number)),
        ]
        assert all(one.shape == (4, 4, 4) and (one == level).all() for one in pictures)
    assert engine.draw_unless(lambda: True, latent(1)) is None
    assert (engine.name, engine.identity, engine.size) == ("level 200", "200", 4)


def test_the_engine_that_was_used_longest_ago_is_closed(engine, opened):
    for number in (1, 2, 1, 3, 1, 3):
        engine.draw(latent(number))
    assert [(one.level, one.closed) for one in opened] == [(1, 0), (2, 1), (3, 0)]
    engine.close()
    assert [one.closed for one in opened] == [1, 1, 1]


def test_weights_that_cannot_be_used_leave_the_codes(engine, caplog):
    for _ in range(3):
        assert (engine.draw(latent(99)) == 200).all()
    assert caplog.text.count("99: its weights cannot be used (it is damaged)") == 1


class Swapping(Engine):
    """An engine whose level is that of the weights that it was told last."""

    keeps = 8

    def __init__(self):
        super().__init__(0)
        self.there = set()

    def load(self, weights):
        if weights.path.stem == "99":
            raise InputError("it is damaged")
        self.there.add(weights)

    def loaded(self, weights):
        return weights in self.there

    def draw(self, latent):
        assert latent.subject.weights in self.there
        self.level = int(latent.subject.weights.path.stem)
        return super().draw(latent)


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setattr(own_weights, "_unusable", set())
    return WithTuned(Engine(200), {8: Swapping()})


def test_engines_that_swap_weights_draw_their_faces_and_the_other_the_rest(live):
    for number, level in ((0, 200), (1, 1), (0, 200), (2, 2), (1, 1)):
        assert (live.draw(latent(number)) == level).all()
        assert (live.begin(latent(number)).result() == level).all()
    assert live.draw_unless(lambda: True, latent(1)) is None
    assert live.draws(latent(1).subject.weights) == latent(1).subject.weights
    other = replace(latent(1).subject.weights, size=16)
    assert live.draws(other) is live.draws(None) is None
    assert (live.draw(Latent(replace(latent(1).subject, weights=other), NONE)) == 200).all()


def test_damaged_weights_leave_the_codes_where_weights_are_swapped(live, caplog):
    for _ in range(3):
        assert (live.draw(latent(99)) == 200).all()
    assert (live.draw(latent(1)) == 1).all()
    assert caplog.text.count("99: its weights cannot be used (it is damaged)") == 1
