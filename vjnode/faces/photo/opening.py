"""Opening of a face's mouth: how much wider than the generator opens it a face is to learn it.

Some faces hardly open their mouth, and tuning takes some of it away. The tuned generator then shows
at an amount of a jaw what the untuned one shows at a larger one.
"""

from collections.abc import Sequence

import torch

from vjnode.faces.catalogue import load_expression
from vjnode.faces.expression import Expression, Face, movements_of
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.photo.poses import opens, pose
from vjnode.faces.photo.rest import Draw
from vjnode.generators.mobilestylegan.layout import STYLES

FACTORS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
"""Of what opens the mouth, that are tried in turn; beyond, teeth and lips break."""

_LEAST = 0.01
"""By what a factor opens a mouth further at least, eye distances; else the one before is taken."""

LAUGH = "laugh"


def wider_of(face: Face, expressions: Sequence[Expression], look: Draw, wanted: float) -> float:
    """Return the factor at which a mouth opens as wanted when the face laughs; 1 where it does.

    look: the untuned generator. wanted: eye distances.
    """
    if not any(opens(one) for one in movements_of(expressions)):
        return 1.0
    laugh, found, reached = load_expression(LAUGH), FACTORS[0], -torch.inf
    for factor in FACTORS:
        one = pose(face, laugh, 1.0, STYLES, wider=factor)
        with torch.no_grad():
            opening = float(measure(look(one.codes, one.offsets))[MEASURES.index("mouth_open")])
        if opening < reached + _LEAST:
            break
        found, reached = factor, opening
        if opening >= wanted:
            break
    return found
