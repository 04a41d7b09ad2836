"""Progress of a face in the making: a bar with the time left, and pictures for whoever watches."""

import logging
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Protocol

import cv2
from torch import Tensor
from tqdm import tqdm

from vjnode.faces.photo.reading import Picture
from vjnode.faces.photo.settings import Rounds
from vjnode.faces.photo.target import as_picture
from vjnode.faces.photo.tuning import costs_of
from vjnode.paths import replace_file

_log = logging.getLogger(__name__)

STAGES = ("style code", "shapes", "all layers", "laugh")
"""Names of the stages, for people."""

EVERY_S = 2.0
"""Interval of pictures, s; the first comes at once."""

_BAR = "{desc}: {percentage:3.0f} % |{bar}| {elapsed}, {remaining} left"

_TOLD_AFTER_S = 3.0
"""Time before which the time left is a guess, s."""


@dataclass(frozen=True)
class Point:
    """The point that is reached.

    stage: of ``STAGES``. done: part of the whole, 0…1. left_s: time left, s; None: not known yet.
    """

    stage: str
    done: float
    left_s: float | None


class Watch(Protocol):
    """Whoever watches how a face is made; each picture is (H, W, 3) RGB."""

    def begun(self, photo: Picture) -> None:
        """Take the photo, aligned, as the face is to become."""
        ...

    def shown(self, picture: Picture, point: Point) -> None:
        """Take the face at rest as it is now."""
        ...

    def made(self, note: str) -> None:
        """Take the news that it is made. note: how it became."""
        ...


class PngFile:
    """A watch that writes the picture to a file, always whole; if that fails, it is told once."""

    def __init__(self, path: Path) -> None:
        self._path, self._told = path, False

    def begun(self, photo: Picture) -> None:
        """Write the photo."""
        _, data = cv2.imencode(".png", photo[..., ::-1])
        try:
            replace_file(self._path, data.tobytes())
        except OSError as error:
            if not self._told:
                _log.warning("%s cannot be written (%s); it goes on", self._path, error.strerror)
            self._told = True

    def shown(self, picture: Picture, point: Point) -> None:
        """Write the face as it is now."""
        self.begun(picture)

    def made(self, note: str) -> None:
        """Leave the last picture."""


class Progress:
    """The bar, and the pictures for a watch. Costs are in rounds of the first stage.

    name: of the face. size: of its pictures, px.
    """

    def __init__(self, name: str, rounds: Rounds, size: int, watch: Watch | None) -> None:
        self._costs = costs_of(rounds, size)
        self._total = sum(self._costs)
        self._bar = tqdm(
            total=round(self._total), desc=name, bar_format=_BAR, smoothing=0.1, disable=None
        )
        self._watch, self._shown_s = watch, float("-inf")
        self._begun_s, self._done, self._worked = monotonic(), 0.0, 0.0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def resumed(self, cost: float) -> None:
        """Note that so much was done by an earlier run: it took no time of this one."""
        self._done += cost
        if not self._bar.disable:
            self._bar.initial += cost
            self._bar.n += cost
            self._bar.last_print_n += cost
        if not self._worked:
            self._begun_s = monotonic()

    def passed(self, cost: float) -> None:
        """Note that so much is done."""
        self._done += cost
        self._worked += cost
        self._bar.update(cost)

    def shown(self, picture: Tensor) -> None:
        """Show the picture at rest, [1, 3, H, W], 0…1, every few seconds."""
        if self._watch is None or monotonic() - self._shown_s < EVERY_S:
            return
        self._shown_s = monotonic()
        self._watch.shown(as_picture(picture), self._point())

    def _point(self) -> Point:
        over, stage = 0.0, STAGES[0]
        for name, cost in zip(STAGES, self._costs, strict=True):
            if cost and self._done >= over:
                stage = name
            over += cost
        took_s = monotonic() - self._begun_s
        left_s = None
        if self._worked and took_s > _TOLD_AFTER_S:
            left_s = took_s * (self._total - self._done) / self._worked
        return Point(stage, min(self._done / max(self._total, 1e-9), 1.0), left_s)
