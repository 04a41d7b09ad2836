"""Key frames on disk: a folder for each look, a JPEG for each key."""

import errno
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.own_weights import drawing_weights
from vjnode.generators.latent import Latent
from vjnode.paths import replace_file
from vjnode.render.base import Look

_log = logging.getLogger(__name__)

REST_S = 60.0
"""Pause, s, before a disk that takes no more is written to again."""

FAILURES_IN_A_ROW = 3
"""Number of keys in a row that cannot be written, after which the disk counts as one that takes
none. A single one may just be in the hands of a virus scanner."""

_TAKES_NO_MORE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT}

_MOST = 80  # characters of names in a folder's; some systems take no long paths

_JPEG_END = b"\xff\xd9"  # a file that was cut off lacks it; the decoder would fill with grey

# Near-lossless: 46 dB against the drawing, a quarter of a PNG's size and decoding time.
_JPEG = [
    cv2.IMWRITE_JPEG_QUALITY,
    97,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


def folder_name(identity: str, look: Look, size: int, latents: Iterable[Latent]) -> str:
    """Return the name of a look's folder: by everything that its pictures depend on.

    Of a face whose own weights turn out to be of no use it is another one from then on.

    identity: of the engine. latents: of all keys.
    """
    digest = hashlib.sha256(identity.encode())
    for each in latents:
        for side, latent in (("", each), *each.halves):
            digest.update(side.encode())
            digest.update(latent.codes().tobytes())
            digest.update(latent.offsets().tobytes())
            if (weights := drawing_weights(latent)) is not None:
                digest.update(weights.sha256.encode())
    shown = "-".join(filter(None, (look.face, *look.expressions)))
    return f"{shown[:_MOST]}-{size}-{digest.hexdigest()[:16]}"


class KeyFiles:
    """Key frames of earlier shows on disk; usable from several threads at once.

    A key that cannot be written is drawn again next time. When the disk is full or read-only, or
    several fail in a row, none is tried for ``REST_S``; that is told, and when it goes on again.

    root: where the folders are; None keeps nothing. size: pictures are size × size px. now_s: a
    clock, s.
    """

    def __init__(
        self, root: Path | None, size: int, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._size, self._now_s = root, size, now_s
        self._counting = threading.Lock()
        self._failures = 0
        self._resting_until_s: float | None = None

    def keep_drawn(self, name: str, key: int, drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Write a drawn key; return it as it will be read, so that a cache changes no picture."""
        data = encode(drawn)
        picture = decode(data, self._size)
        assert picture is not None  # noqa: S101 - it was encoded a moment ago
        self.keep(name, key, data)
        return picture

    def read(self, name: str, key: int) -> NDArray[np.uint8] | None:
        """Return a key of the look ``name``; None when it is not there, or damaged.

        Returns: shape (size, size, 4), uint8 RGBA.
        """
        if (root := self._root) is None:
            return None
        try:
            data = np.fromfile(_path(root, name, key), np.uint8)
        except OSError:
            return None
        return decode(data, self._size)

    def keep(self, name: str, key: int, data: NDArray[np.uint8]) -> None:
        """Write a key, ``data`` as ``encode`` returns it; not while the disk takes no more."""
        resting_until_s = self._resting_until_s
        resting = resting_until_s is not None and self._now_s() < resting_until_s
        if (root := self._root) is None or resting:
            return
        path = _path(root, name, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data.tobytes())
        except OSError as error:
            self._note_failure(path, error)
        else:
            self._note_success(root)

    def _note_failure(self, path: Path, error: OSError) -> None:
        with self._counting:
            self._failures += 1
            told = self._resting_until_s
            resting = error.errno in _TAKES_NO_MORE or self._failures >= FAILURES_IN_A_ROW
            if resting:
                self._resting_until_s = self._now_s() + REST_S
        if not resting:
            _log.info("%s cannot be written (%s); others are tried", path, error.strerror)
        elif told is None:
            _log.warning(
                "key frames cannot be kept in %s (%s); they will be drawn again next time. "
                "It is tried again every %g s",
                path.parent.parent,
                error.strerror,
                REST_S,
            )

    def _note_success(self, root: Path) -> None:
        # Where all is well, nobody meets at the lock a thread that gives way to everything.
        if not self._failures and self._resting_until_s is None:
            return
        with self._counting:
            told, self._failures, self._resting_until_s = self._resting_until_s, 0, None
        if told is not None:
            _log.info("key frames are kept in %s again", root)


def _path(root: Path, name: str, key: int) -> Path:
    return root / name / f"{key:03d}.jpg"


def encode(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``picture``, (size, size, 4) uint8 RGBA, as JPEG: shape (bytes,), uint8."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGR), _JPEG)
    return np.asarray(data, np.uint8)


def decode(data: NDArray[np.uint8], size: int) -> NDArray[np.uint8] | None:
    """Return the picture in ``data``, (size, size, 4) uint8 RGBA; None when it is damaged."""
    if not data.size or data[-2:].tobytes() != _JPEG_END:
        return None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_BGR)
    if picture is None or picture.shape != (size, size, 3):
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA), np.uint8)
