import dataclasses

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.modulation.encoder.encoders import shipped_like
from vjnode.errors import InputError
from vjnode.modulation.encoder.weights import LEVELS, load_trained
from vjnode.paths import shipped


@pytest.fixture
def path(tmp_path):
    """A trained encoder on disk, to be spoiled."""
    path = tmp_path / "encoder.safetensors"
    shipped_like().save(path)
    return path


def test_what_ships_is_small_and_maps_its_knots_to_the_levels():
    trained = load_trained()
    for suffix in ("safetensors", "onnx"):
        assert shipped("encoder", f"encoder.{suffix}").stat().st_size < 8e6
    assert [trained.weight(float(knot)) for knot in trained.knots] == pytest.approx(LEVELS)
    assert trained.weight(float(trained.knots[1:3].mean())) == pytest.approx(0.4)
    assert trained.weight(-1.0) == 0.0
    assert trained.weight(99.0) == 1.0


def test_more_is_never_less():
    trained = shipped_like()
    weights = [trained.weight(mean) for mean in np.linspace(0.0, 0.6, 601)]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (0.0, 1.0)


def test_what_was_saved_comes_back(path):
    wanted, found = shipped_like(), load_trained(path)
    assert found.weights.keys() == wanted.weights.keys()
    for name, value in wanted.weights.items():
        np.testing.assert_array_equal(found.weights[name], value)
    for name in ("mfcc_low", "mfcc_high", "knots"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.onnx == wanted.onnx


def refused(path, words=""):
    with pytest.raises(InputError, match=rf"encoder\.safetensors.*{words}.*tools\.train\.encoder"):
        load_trained(path)


def test_a_damaged_file_is_named_with_the_remedy(path):
    whole = path.read_bytes()
    for data in (b"", b"nonsense", whole[:1000], whole[:-1]):
        path.write_bytes(data)
        refused(path)
    path.unlink()
    refused(path)


def test_a_file_that_is_something_else_is_refused(path):
    save_file({"more": np.zeros(3, np.float32)}, path)
    refused(path, "mfcc_low")


def test_the_graph_must_be_there_and_be_made_of_these_weights(path):
    path.with_suffix(".onnx").write_bytes(shipped_like(3).onnx)
    refused(path, "made from other weights")
    path.with_suffix(".onnx").unlink()
    refused(path, r"encoder\.onnx")


def test_weights_without_their_graphs_mark_are_refused(path):
    save_file(load_file(path), path)
    refused(path, "made from other weights")


@pytest.mark.parametrize(
    "knots", [[0.1, 0.2, 0.3], [0.1, 0.3, 0.2, 0.4], [0.1, 0.1, 0.2, 0.3], [0.1, np.nan, 0.2, 0.3]]
)
def test_knots_that_do_not_rise_are_refused(path, knots):
    dataclasses.replace(shipped_like(), knots=np.array(knots, np.float32)).save(path)
    refused(path, "rising")
