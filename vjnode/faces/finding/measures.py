"""Measures of a face, differentiable: mouth, brows, lids, gaze and head, from landmarks in torch.

Lengths are in eye distances and angles in degrees, as in ``vjnode.faces.landmarks``, which has a
few of the same for pictures that need no gradient.
"""

import torch
from torch import Tensor

from vjnode.faces.finding.eyes import filled
from vjnode.faces.finding.regions import INNER_LIPS

SPREAD = {
    "mouth_open": 0.082,
    "mouth_width": 0.091,
    "corner_lift": 0.05,
    "brow_l": 0.037,
    "brow_r": 0.037,
    "brow_inner": 0.037,
    "eye_l": 0.02,
    "eye_r": 0.02,
    "yaw": 9.0,
    "pitch": 6.0,
    "roll": 1.0,
    "upper_lip": 0.033,
    "lower_lip": 0.08,
    "nose_wing": 0.043,
    "lip_z": 0.02,
    "corner_l": 0.073,
    "corner_r": 0.073,
    "lips": 0.031,
    "brow_gap": 0.015,
    "mouth_x": 0.04,
    "chin": 0.096,
    "gaze_x": 0.026,
    "gaze_y": 0.017,
}
"""Measures, and their standard deviations over random faces (truncation 0.65)."""

MEASURES = tuple(SPREAD)

_EPSILON = 1e-10


def measure(points: Tensor) -> Tensor:
    """Return all measures but gaze of landmarks (..., 468, 3): (..., len(MEASURES) - 2)."""
    found = _of_points(points)
    return torch.stack([found[name] for name in MEASURES[:-2]], -1)


def _of_points(points: Tensor) -> dict[str, Tensor]:
    def middle(*which: int) -> Tensor:
        return points[..., list(which), :].mean(-2)

    across = middle(362, 263) - middle(33, 133)
    unit, tilt = across[..., :2].norm(dim=-1), torch.atan2(across[..., 1], across[..., 0])

    def gap(a: int, b: int) -> Tensor:
        way = points[..., a, :2] - points[..., b, :2]
        length: Tensor = (way.square().sum(-1) + _EPSILON).sqrt() / unit
        return length

    def up(way: Tensor) -> Tensor:
        height: Tensor = (way[..., 0] * torch.sin(tilt) - way[..., 1] * torch.cos(tilt)) / unit
        return height

    def right(way: Tensor) -> Tensor:
        side: Tensor = (way[..., 0] * torch.cos(tilt) + way[..., 1] * torch.sin(tilt)) / unit
        return side

    eyes, nose = middle(33, 133, 362, 263), middle(2)
    side, down = middle(234) - middle(454), middle(152) - middle(10)
    return {
        "mouth_open": gap(13, 14),
        "mouth_width": gap(61, 291),
        "corner_lift": up(middle(61, 291) - middle(0, 17)),
        "brow_l": up(middle(105) - middle(33, 133)),
        "brow_r": up(middle(334) - middle(362, 263)),
        "brow_inner": up(middle(55, 285) - eyes),
        "eye_l": gap(159, 145),
        "eye_r": gap(386, 374),
        "yaw": torch.rad2deg(torch.atan2(side[..., 2], -side[..., 0])),
        "pitch": torch.rad2deg(torch.atan2(-down[..., 2], down[..., 1])),
        "roll": torch.rad2deg(tilt),
        "upper_lip": up(middle(0) - nose),
        "lower_lip": up(middle(17) - nose),
        "nose_wing": up(middle(129, 358) - eyes),
        "lip_z": (middle(13, 14, 0, 17) - middle(61, 291, 2, 152))[..., 2] / unit,
        "corner_l": up(middle(61) - nose),
        "corner_r": up(middle(291) - nose),
        "lips": gap(0, 13) + gap(14, 17),
        "brow_gap": gap(55, 285),
        "mouth_x": right(middle(61, 291, 0, 17) - middle(1, 2)),
        "chin": up(middle(152) - nose),
    }


def mouth_light(picture: Tensor, points: Tensor) -> Tensor:
    """Return how light it is between the lips, [], 0…1: dark where the teeth are apart.

    A mouth that is closed is dark. picture: [1, 3, H, W], 0…1. points: (468, 3), in picture
    widths; no gradient flows through them.
    """
    px = picture.shape[3]
    inside = torch.from_numpy(filled((points[list(INNER_LIPS), :2] * px - 0.5).numpy(), (px, px)))
    return (picture[0].mean(0) * inside).sum() / (inside.sum() + 1)
