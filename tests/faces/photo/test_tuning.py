"""Weights that a photo moves: all of a reduced network, and not the whole generator's last ones."""

from vjnode.faces.photo.tuning import paces_of
from vjnode.generators.mobilestylegan.tuned import network_of, tunable


def test_layers_that_draw_pores_and_hairs_stay_the_generators_own():
    assert set(paces_of(tunable(network_of(512)), 512).values()) == {1.0}
    paces = paces_of(tunable(network_of(1024)), 1024)
    assert paces["generator.head.weight"] == paces["generator.blocks.6.conv1.depthwise"] == 0
    assert paces["generator.input"] == paces["generator.blocks.2.conv2.depthwise"] == 1
    assert 0 < paces["generator.blocks.4.conv1.depthwise"] < 1
