"""Weights that are tuned for a face, and where in the generator they are."""

from vjnode.generators.mobilestylegan.tuned import network_of, tunable, works_at


def test_weights_are_known_by_the_size_of_what_they_work_on():
    network = network_of(1024)
    found = {works_at(name) for name in tunable(network)}
    assert found == {0, 8, 16, 32, 64, 128, 256, 512}
    assert works_at("generator.head.weight") == 512
    sizes = {i: block.px for i, block in enumerate(network.blocks)}
    for i, px in sizes.items():
        assert works_at(f"generator.blocks.{i}.conv2.depthwise") == px
    assert all(works_at(name) < 128 for name in tunable(network_of(512)))
