"""Actions of a face: what each changes, what may move along, and where pixels may change.

An action is what one group of muscles does. It is found once for a generator, and expressions are
sums of actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vjnode.faces.finding.retouch import Retouch

Region = Literal["mouth", "brows", "eyes", "pose"]
"""Part of a face; actions of one region meet in the latent."""

MOUTH = (
    *("mouth_open", "mouth_width", "corner_lift", "upper_lip", "lower_lip", "lip_z"),
    *("corner_l", "corner_r", "lips", "chin", "nose_wing"),
)
BROWS = ("brow_l", "brow_r", "brow_inner", "brow_gap")
LIDS = ("eye_l", "eye_r")

NO_MOUTH_OPENING = tuple(name for name in MOUTH if name != "mouth_open")


@dataclass(frozen=True)
class Action:
    """Specification of an action.

    about: for people. region: that it belongs to.
    targets: measures, see ``vjnode.faces.finding.measures``, and their change at amount 1; a
        target of 0 is held, more firmly than what is not named at all.
    free: measures that may move along.
    within: regions of the picture, see ``vjnode.faces.finding.regions``, that may change; none:
        all of it, as when the head turns.
    parts_teeth: whether it is to part the teeth as well, so that it is dark between the lips.
    shuts_lips: whether lips meet at amount 1, however far apart they begin.
    retouch: what the eyes should look like at amount 1, see ``vjnode.faces.finding.retouch``.
    person: factor on the weight of the person.
    scale: factor on what was found, so that an amount of 1 looks like a full movement.
    """

    name: str
    about: str
    region: Region
    targets: Mapping[str, float]
    free: tuple[str, ...] = ()
    within: tuple[str, ...] = ("lower",)
    parts_teeth: bool = False
    shuts_lips: bool = False
    retouch: Retouch | None = None
    person: float = 1.0
    scale: float = 1.0


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "jaw",
            "the mouth opens",
            "mouth",
            {"mouth_open": 0.34, "mouth_width": 0.0},
            MOUTH,
            parts_teeth=True,
            scale=1.0,
        ),
        Action(
            "teeth",
            "bared teeth",
            "mouth",
            {"mouth_open": 0.24, "mouth_width": 0.0},
            MOUTH,
            scale=0.95,
        ),
        Action(
            "smile",
            "corners up and apart",
            "mouth",
            {"mouth_width": 0.16, "corner_lift": 0.10, "mouth_open": 0.0},
            NO_MOUTH_OPENING,
            scale=1.1,
        ),
        Action(
            "closed_smile",
            "corners up and apart, lips together",
            "mouth",
            {"mouth_width": 0.14, "corner_lift": 0.10},
            NO_MOUTH_OPENING,
            shuts_lips=True,
            scale=0.95,
        ),
        Action(
            "pucker",
            "lips together and forward",
            "mouth",
            {"mouth_width": -0.22, "mouth_open": 0.0},
            NO_MOUTH_OPENING,
            scale=1.2,
        ),
        Action(
            "mouth_down",
            "corners down",
            "mouth",
            {"corner_lift": -0.10, "mouth_open": 0.0},
            NO_MOUTH_OPENING,
            scale=1.1,
        ),
        Action(
            "sneer",
            "nose wrinkled, upper lip up",
            "mouth",
            {"nose_wing": 0.06, "upper_lip": 0.05, "brow_inner": -0.06, "mouth_open": 0.10},
            (*MOUTH, *BROWS, *LIDS),
            ("lower", "upper"),
            scale=1.0,
        ),
        Action(
            "brows_up",
            "brows up",
            "brows",
            {"brow_l": 0.10, "brow_r": 0.10, "brow_inner": 0.09},
            (),
            ("upper",),
            scale=1.25,
        ),
        Action(
            "frown",
            "brows down and together",
            "brows",
            {"brow_l": -0.06, "brow_r": -0.06, "brow_inner": -0.085},
            ("brow_gap", *LIDS),
            ("upper",),
            scale=1.1,
        ),
        Action(
            "blink",
            "eyes close",
            "eyes",
            {"eye_l": -0.08, "eye_r": -0.08, "brow_l": 0.0, "brow_r": 0.0, "brow_inner": 0.0},
            ("gaze_x", "gaze_y"),
            ("eyes",),
            retouch="shut",
            scale=1.6,
        ),
        Action(
            "squint",
            "eyes narrow",
            "eyes",
            {"eye_l": -0.055, "eye_r": -0.055},
            ("brow_l", "brow_r"),
            ("eyes",),
            scale=1.1,
        ),
        Action(
            "wide",
            "eyes wide open",
            "eyes",
            {"eye_l": 0.06, "eye_r": 0.06},
            (),
            ("eyes",),
            scale=1.2,
        ),
        Action(
            "gaze_left",
            "eyes to the viewer's left",
            "eyes",
            {"gaze_x": -0.12, "gaze_y": 0.0},
            (),
            ("eyes",),
            scale=1.4,
        ),
        Action(
            "gaze_right",
            "eyes to the viewer's right",
            "eyes",
            {"gaze_x": 0.12, "gaze_y": 0.0},
            (),
            ("eyes",),
            scale=1.4,
        ),
        Action(
            "gaze_up",
            "eyes up",
            "eyes",
            {"gaze_y": -0.09, "gaze_x": 0.0, "brow_l": 0.0, "brow_r": 0.0},
            LIDS,
            ("eyes",),
            retouch="up",
            scale=1.3,
        ),
        Action(
            "gaze_down",
            "eyes down",
            "eyes",
            {"gaze_y": 0.09, "gaze_x": 0.0, "brow_l": 0.0, "brow_r": 0.0},
            LIDS,
            ("eyes",),
            retouch="down",
            scale=1.5,
        ),
        Action(
            "turn_left",
            "head to the viewer's left",
            "pose",
            {"yaw": -18.0},
            ("mouth_x", "lip_z"),
            (),
            scale=0.85,
        ),
        Action(
            "turn_right",
            "head to the viewer's right",
            "pose",
            {"yaw": 18.0},
            ("mouth_x", "lip_z"),
            (),
            scale=0.85,
        ),
        Action(
            "nod_up",
            "chin up",
            "pose",
            {"pitch": 12.0},
            ("lip_z", "brow_l", "brow_r", "brow_inner", *NO_MOUTH_OPENING),
            (),
            scale=0.8,
        ),
        Action(
            "nod_down",
            "chin down",
            "pose",
            {"pitch": -12.0},
            ("lip_z", "brow_l", "brow_r", "brow_inner", *NO_MOUTH_OPENING),
            (),
            scale=0.95,
        ),
    )
}
"""All actions, in their order."""
