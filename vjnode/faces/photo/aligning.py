"""Alignment of a photo as the generator's training pictures were aligned, or a reason against it.

The frame is that of FFHQ (Karras et al., A Style-Based Generator Architecture, arXiv 1812.04948,
appendix A): a square from the middles of the eyes and of the mouth.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.faces.finding.regions import OVAL, area
from vjnode.faces.landmarks import LandmarkMeter, Landmarks
from vjnode.faces.photo.detector import FaceDetector, FoundFace
from vjnode.faces.photo.reading import Picture

LEAST_PX, GOOD_PX = 128, 512
"""Side of the frame in a photo that is needed, and that is enough for a sharp face, px."""

PRESENCE = 0.9
"""Certainty of the mesh from which on it counts; upside down, it is near 0.5."""

MOST_MADE_UP = 0.1
"""Part of the frame that may lie outside the photo; half faces have a third."""

MOST_YAW, MOST_PITCH = 28.0, 25.0
"""Largest turn and nod of a head, degrees."""

UPSIDE_DOWN = -0.7
"""Cosine of a head's turn in the picture below which it is upside down: hair hangs otherwise."""

LEAST_LIGHT = 45
"""Level, 0…255, that the brightest tenth of a face has at least."""

RIVAL = 0.5
"""Width, in widths of the largest face, from which on another face is one to choose from."""

_LOOKED_AT_PX = 512
_EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))
"""Landmarks at the places of those six that dlib's have around each eye."""

_LARGEST_FACTOR = 8
_SOFT = 0.02
"""Blur of what is made up at the edges, in sides of the frame."""


@dataclass(frozen=True)
class Aligned:
    """A face cut out of a photo.

    picture: (px, px, 3), RGB. quad: (4, 2), corners of the frame in the photo, px: top left, bottom
    left, bottom right, top right. landmarks: in the picture. side: of the frame in the photo, px.
    """

    picture: Picture
    quad: NDArray[np.float64]
    landmarks: Landmarks
    side: float


class Aligner:
    """Finds a face in photos, and cuts it out."""

    def __init__(self) -> None:
        self._detector, self._meter = FaceDetector(), LandmarkMeter()

    def align(self, photo: Picture, px: int, *, number: int | None = None) -> Aligned:
        """Return the face in a photo as a picture of ``px`` × ``px``.

        number: of the face from the left, from 1, where there are several.

        Raises:
            InputError: the photo will not do; the text says why, and what will.
        """
        found = _chosen(self._detector.find(photo), number)
        if found is None:
            upright = self._turned(photo)
            raise InputError(
                "the photo is upside down; turn it"
                if upright
                else "there is no face in the photo; take one of a single person from the front, "
                "the whole head in the picture"
            )
        quad = frame_of(found.eyes[0], found.eyes[1], found.mouth)
        for _ in range(2):  # the mesh is exact where the face is framed as it expects it
            picture, _ = cut_out(photo, quad, _LOOKED_AT_PX)
            landmarks = self._meter.measure(picture)
            quad = _to_photo(quad, frame_of_landmarks(landmarks))
        picture, made_up = cut_out(photo, quad, px)
        seen = self._meter.measure(picture)
        aligned = Aligned(picture, quad, seen, float(np.hypot(*(quad[3] - quad[0]))))
        self._check(photo, aligned, made_up)
        return aligned

    def _check(self, photo: Picture, aligned: Aligned, made_up: float) -> None:
        """Refuse what cannot become a face.

        Raises:
            InputError: with the reason and the remedy.
        """
        seen = aligned.landmarks
        right = aligned.quad[3] - aligned.quad[0]
        over = self._meter.measure(np.ascontiguousarray(aligned.picture[::-1, ::-1])).presence
        if right[0] < UPSIDE_DOWN * aligned.side or over > max(seen.presence, PRESENCE):
            raise InputError("the photo is upside down; turn it")
        if seen.presence < PRESENCE:
            raise InputError(
                f"the face cannot be made out (certainty {seen.presence:.2f}, at least {PRESENCE} "
                "is needed); take a photo from the front, with nothing before the face"
            )
        if abs(seen.yaw) > MOST_YAW or abs(seen.pitch) > MOST_PITCH:
            raise InputError(
                f"the head is turned by {seen.yaw:.0f}° and nods by {seen.pitch:.0f}°, at most "
                f"{MOST_YAW:.0f}° and {MOST_PITCH:.0f}° will do; take a photo from the front"
            )
        if aligned.side < LEAST_PX:
            raise InputError(
                f"the face is too small: its frame has {aligned.side:.0f} px of the photo, at "
                f"least {LEAST_PX} are needed and {GOOD_PX} are good; take one from nearer, or a "
                "larger file"
            )
        if made_up > MOST_MADE_UP:
            raise InputError(
                f"the head is cut off: {made_up:.0%} of its frame is outside the photo, at most "
                f"{MOST_MADE_UP:.0%} may be; take one with the whole head in the picture"
            )
        light = brightest(aligned)
        if light < LEAST_LIGHT:
            raise InputError(
                f"the face is too dark: level {light:.0f} of 255 where it is brightest, at least "
                f"{LEAST_LIGHT} is needed; take one in better light, or brighten it"
            )

    def _turned(self, photo: Picture) -> bool:
        """Return whether there is a face in the photo when it stands on its head."""
        over = np.ascontiguousarray(photo[::-1, ::-1])
        found = self._detector.find(over)
        if not found:
            return False
        best = max(found, key=lambda one: one.width)
        picture, _ = cut_out(over, frame_of(best.eyes[0], best.eyes[1], best.mouth), _LOOKED_AT_PX)
        return self._meter.measure(picture).presence >= PRESENCE


def _chosen(found: list[FoundFace], number: int | None) -> FoundFace | None:
    """Return the face that is meant; None: there is none.

    Raises:
        InputError: there are several, or none of this number.
    """
    if not found:
        return None
    widest = max(one.width for one in found)
    large = [one for one in found if one.width >= RIVAL * widest]
    if number is None and len(large) > 1:
        raise InputError(
            f"there are {len(large)} faces in the photo; say which with --face-number "
            f"1 to {len(large)}, from the left"
        )
    if number is not None and not 1 <= number <= len(large):
        raise InputError(f"--face-number {number}: the photo has {len(large)}, from the left")
    return large[0 if number is None else number - 1]


def frame_of(
    left: NDArray[np.float64], right: NDArray[np.float64], mouth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return FFHQ's frame as ``Aligned.quad``, from the middles of the eyes and of the mouth."""
    eyes, across = (left + right) / 2, right - left
    down = mouth - eyes
    x = across - np.array((-down[1], down[0]))
    x *= max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down)) / np.hypot(*x)
    y = np.array((-x[1], x[0]))
    centre = eyes + 0.1 * down
    return np.stack((centre - x - y, centre - x + y, centre + x + y, centre + x - y))


def frame_of_landmarks(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return FFHQ's frame in the picture that landmarks were measured in, in its widths."""
    points = landmarks.points[:, :2].astype(np.float64)
    left, right = (points[list(eye)].mean(0) for eye in _EYES)
    return frame_of(left, right, points[[61, 291]].mean(0))


def _to_photo(quad: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places of a picture, in its widths, as places of the photo that it was cut out of."""
    right, down = quad[3] - quad[0], quad[1] - quad[0]
    places: NDArray[np.float64] = quad[0] + within[:, :1] * right + within[:, 1:] * down
    return places


def cut_out(photo: Picture, quad: NDArray[np.float64], px: int) -> tuple[Picture, float]:
    """Return the frame of a photo as a picture, and the part of it that lies outside the photo.

    That part is mirrored, and blurred.
    """
    right, down = quad[3] - quad[0], quad[1] - quad[0]
    side = float(np.hypot(*right))
    factor = int(np.clip(np.ceil(side / px), 1, _LARGEST_FACTOR))
    drawn = px * factor
    # From the picture's pixels to the photo's; pixels' middles lie at .5.
    matrix = np.column_stack((right / drawn, down / drawn, quad[0]))
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(
        photo, matrix, (drawn, drawn), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    there = cv2.warpAffine(
        np.ones(photo.shape[:2], np.float32), matrix, (drawn, drawn), flags=flags
    )
    picture, there = (
        cv2.resize(one, (px, px), interpolation=cv2.INTER_AREA) for one in (picture, there)
    )
    made_up = float(1 - there.clip(0, 1).mean())
    if made_up > 1e-3:
        blurred = cv2.GaussianBlur(picture, (0, 0), _SOFT * px)
        share = cv2.GaussianBlur(1 - there.clip(0, 1), (0, 0), _SOFT * px)[..., None]
        share = np.clip(2 * share, 0, 1)
        picture = (picture * (1 - share) + blurred * share).round().astype(np.uint8)
    return np.asarray(picture, np.uint8), made_up


def brightest(aligned: Aligned) -> float:
    """Return the level, 0…255, that the brightest tenth of a face has at least."""
    picture = aligned.picture
    mask = area(aligned.landmarks.points, OVAL, len(picture))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(np.percentile(grey[mask], 90))
