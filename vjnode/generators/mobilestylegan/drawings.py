"""Parts of a network as they are drawn one after the other, with examples of what each is given."""

from functools import partial

import torch

from vjnode.generators.mobilestylegan.distilled import DistilledGenerator
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS, STYLES
from vjnode.generators.parts import Drawing


def drawings_of(network: DistilledGenerator | FoldedSynthesis, bands: int) -> list[Drawing]:
    """Return the parts of a network. bands: of the picture, where it is the whole generator."""
    given = torch.zeros(1, SLOTS, DIM), torch.ones(1)
    moved = (*given, torch.zeros(1, STYLES))
    if isinstance(network, DistilledGenerator):
        x = network.generator.root(*moved)
        return [(network.generator.root, moved), (network.rest, (x, *moved))]
    x = network.root(*moved)
    features = network.trunk(x, *moved)
    pictures = [partial(network.picture, index=i, count=bands) for i in range(bands)]
    return [
        (network.root, moved),
        (network.trunk, (x, *moved)),
        *((picture, (features, *given)) for picture in pictures),
    ]
