import dataclasses

import numpy as np
import pytest
import torch

from vjnode.drive.encoder import Encoder
from vjnode.drive.graph import compile_encoder
from vjnode.drive.trained import load_trained
from vjnode.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def pictures(count):
    return np.random.default_rng(0).random((count, 3, 32, 32), np.float32)


def test_openvino_says_what_torch_says():
    trained = load_trained()
    encoder = Encoder().eval()
    encoder.load_state_dict(
        {k: torch.from_numpy(v) for k, v in trained.weights.items()}, strict=False
    )
    encode = compile_encoder(trained)
    with torch.inference_mode():
        wanted = encoder(torch.from_numpy(pictures(16))).numpy()
    np.testing.assert_allclose(
        np.stack([encode(one) for one in pictures(16)]), wanted, atol=1e-4 * wanted.max()
    )


def test_fresh_cached_and_uncached_graphs_give_the_same_bits(cache, monkeypatch, tmp_path):
    fresh = compile_encoder(load_trained())
    assert len(list(cache.iterdir())) == 1
    cached = compile_encoder(load_trained())
    (tmp_path / "file").touch()
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "file" / "cannot be"))
    uncached = compile_encoder(load_trained())
    for one in pictures(8):
        np.testing.assert_array_equal(cached(one), fresh(one))
        np.testing.assert_array_equal(uncached(one), fresh(one))


def test_a_damaged_cache_is_made_anew(cache, caplog):
    one = pictures(1)[0]
    wanted = compile_encoder(load_trained())(one)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    np.testing.assert_array_equal(compile_encoder(load_trained())(one), wanted)
    assert "unusable" in caplog.text
    caplog.clear()
    np.testing.assert_array_equal(compile_encoder(load_trained())(one), wanted)
    assert not caplog.text


def test_weights_of_another_network_are_refused():
    trained = load_trained()
    odd = dict(trained.weights)
    name, value = odd.popitem()
    for weights in (odd, odd | {name: value[:1]}, trained.weights | {"more": value}):
        with pytest.raises(InputError, match="does not fit"):
            compile_encoder(dataclasses.replace(trained, weights=weights, identity="odd"))
