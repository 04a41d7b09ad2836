import pytest

from vjnode.drive.trained import load_trained
from vjnode.errors import InputError
from vjnode.storage import shipped


def test_the_weights_that_ship_are_small_and_map_their_bounds_to_zero_and_one():
    trained = load_trained()
    assert shipped("encoder", "encoder.safetensors").stat().st_size < 8e6
    assert trained.weight(trained.calm) == 0.0
    assert trained.weight(trained.intense) == 1.0
    assert trained.weight((trained.calm + trained.intense) / 2) == pytest.approx(0.5)
    assert trained.weight(-1.0) == 0.0
    assert trained.weight(99.0) == 1.0


def test_a_damaged_file_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "encoder.safetensors"
    for data in (None, b"", shipped("encoder", "encoder.safetensors").read_bytes()[:1000]):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(InputError, match=r"encoder\.safetensors.*train_encoder"):
            load_trained(path)
