"""Half precision for the tests of generators, as quick on a processor as single."""

import pytest
import torch


@pytest.fixture
def half_as_on_a_card(monkeypatch):
    """Convolutions of half numbers that sum in single precision, as a card's do, and round then.

    On a processor PyTorch's own take ten times as long.
    """
    whole = torch.nn.functional.conv2d

    def conv2d(x, weight, bias=None, **settings):
        kind = x.dtype
        assert weight.dtype == kind
        assert bias is None or bias.dtype == kind
        rounded = (None if one is None else one.float() for one in (x, weight, bias))
        return whole(*rounded, **settings).to(kind)

    monkeypatch.setattr(torch.nn.functional, "conv2d", conv2d)
