import pytest
import torch

from vjnode.drive.encoder import VALUES, Decoder, Encoder, correlation


def kinds(network):
    return [[type(layer).__name__ for layer in block] for block in network.blocks]


def test_encoder_and_decoder_are_the_eight_blocks_of_the_method():
    assert kinds(Encoder()) == [["Conv2d", "BatchNorm2d", "ReLU"]] * 8
    assert kinds(Decoder()) == [["ConvTranspose2d", "BatchNorm2d", "ReLU"]] * 8


def test_shapes_go_to_512_values_and_back():
    pictures = torch.rand(4, 3, 32, 32)
    values = Encoder().eval()(pictures)
    assert values.shape == (4, VALUES)
    assert (values >= 0).all()
    assert Decoder().eval()(values).shape == pictures.shape


def test_correlation_of_known_vectors():
    x = torch.tensor([1.0, 2.0, 3.0])
    assert float(correlation(x, 5 * x - 2)) == pytest.approx(1.0)
    assert float(correlation(x, torch.tensor([1.0, 3.0, 2.0]))) == pytest.approx(0.5)
    assert float(correlation(x, torch.ones(3))) == 0.0
