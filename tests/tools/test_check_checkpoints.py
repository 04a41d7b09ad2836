"""The check of checkpoints' pictures tells those that are right from those that are not."""

import pytest

from tests.generators.checkpoints.layouts import Generator, pkl_of
from tools.check.checkpoints import Case, check


@pytest.mark.parametrize("right", [True, False])
def test_a_picture_that_differs_is_a_miss(capsys, right):
    def make():
        network = Generator((8, 8, 8, 8, 8), 16, 1)
        data = pkl_of(network)
        if not right:
            network.synthesis.b64.torgb.bias.data += 2e-4
        return network, data

    assert check([Case("StyleGAN2, .pkl", 64, make)]) == right
    assert ("MISSED" in capsys.readouterr().out) != right
