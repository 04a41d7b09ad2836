"""The source document's way from a picture to style codes, and a face by such codes alone.

Codes of all slots begin with zeros, and descend along the difference of VGG16's features of what
the generator draws and of the picture. The generator stays as it is, so that every engine draws
the face live.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vjnode.errors import InputError
from vjnode.faces.finding.sampling import resized
from vjnode.faces.photo.features import Features
from vjnode.faces.photo.rest import as_it_is
from vjnode.faces.photo.settings import Settings
from vjnode.faces.photo.stages import Stage, Stages
from vjnode.faces.photo.target import PX, Target, at_px
from vjnode.faces.photo.tuning import Tools, Tuned, draw
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.tuned import network_of

DOCUMENT = "document"
"""Name of this method."""

ROUNDS = 1000
"""Rounds that the document gives as its example."""

RATE = 0.05
"""Rate of Adam; the document leaves it open."""

DRAWN_PX = (256, 512)
"""Sizes of the networks that draw the rounds in turn.

Codes that only one network draws are soon such as no face has: the others make grey of them, and
no expression moves them.
"""


def check_vgg(*, given: bool) -> None:
    """Refuse this method without VGG16.

    Raises:
        InputError: it is not given.
    """
    if not given:
        raise InputError(
            f"--method {DOCUMENT} compares by VGG16; give its checkpoint with --vgg FILE, or fetch "
            "it: --vgg fetch"
        )


def document_stage(codes: Tensor, target: Target, rounds: int, features: Features) -> Stage:
    """Return the descent of style codes, [1, SLOTS, DIM], which are moved in place."""
    networks = [network_of(size) for size in DRAWN_PX]

    def loss(number: int) -> tuple[Tensor, Tensor]:
        picture = draw(networks[number % len(networks)], None, codes)
        small = resized(picture, features.px, "area")
        return features_apart(features(small), target.seen), at_px(picture)

    return Stage(rounds, RATE, Settings().held[0], 1.0, {"codes": codes}, loss)


def features_apart(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Return the squared difference of features, [], each layer's in shares of what is wanted.

    They are not normalised at each place, as ``distance`` does: pictures would become too bright.
    """
    total = torch.zeros(())
    for one, other in zip(found, wanted, strict=True):
        total = total + (one - other).square().sum() / other.square().sum()
    return total / len(wanted)


def find_by_document(target: Target, rounds: int, tools: Tools, stages: Stages) -> Tuned:
    """Return the face of a target by codes alone: both its networks are the generator's own."""
    network, codes = network_of(PX), torch.zeros(1, SLOTS, DIM)
    stages.run(document_stage(codes, target, rounds, tools.features))
    return Tuned(as_it_is(codes), network, network)
