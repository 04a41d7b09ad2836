"""Fetching of VGG16, which is large, from those who publish it: only when it is asked for.

It is checked by its hash before anything in it is read; a download that broke off is gone on with.
Of the file only the layers that are used are kept.
"""

import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from vjnode.errors import FetchError
from vjnode.paths import cache_dir, remove, replace_file, sha256_of

_log = logging.getLogger(__name__)

TIMEOUT_S = 30.0
"""Time without a byte after which a connection counts as broken, s."""

_CHUNK = 2**20
_SPARE_MB = 100
"""Room beside the file that is needed, MB."""


@dataclass(frozen=True)
class Published:
    """A file that is published. about: for people. size: of the file, bytes."""

    about: str
    licence: str
    url: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """Return its name."""
        return self.url.rpartition("/")[2]

    @property
    def size_mb(self) -> int:
        """Return its size, MB."""
        return round(self.size / 2**20)


VGG16 = Published(
    about="torchvision's VGG16",
    licence="BSD; trained on ImageNet",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    size=553433881,
)


def kept_vgg(published: Published = VGG16) -> Path | None:
    """Return the layers of VGG16 that were fetched before; None: none were."""
    path = _kept(published)
    return path if path.is_file() else None


def fetch_vgg(published: Published = VGG16) -> Path:
    """Fetch VGG16, and return its layers that are used, as safetensors.

    Raises:
        FetchError: no network, a full disk, or another file than the published one; the text tells
            the remedy.
    """
    from vjnode.faces.photo.features import vgg_layers  # noqa: PLC0415 - imports torch

    path, begun = _kept(published), cache_dir("models") / f"{published.file}.part"
    fetch(published, begun)
    try:
        replace_file(path, vgg_layers(begun))
    except OSError as error:
        raise _unwritable(path, error) from error
    remove(begun)
    return path


def _kept(published: Published) -> Path:
    return cache_dir("models") / Path(published.file).with_suffix(".safetensors").name


def fetch(published: Published, path: Path) -> None:
    """Fetch a file to ``path``, where its beginning may be from an earlier time, and check it.

    Raises:
        FetchError: see ``fetch_vgg``.
    """
    if _size(path) < published.size:
        _check_room(published, path)
        _download(published, path)
    try:
        found = sha256_of(path)
    except OSError as error:
        raise FetchError(f"{path} cannot be read ({error.strerror})") from error
    if found != published.sha256:
        size = _size(path)
        remove(path)
        raise FetchError(
            f"{published.url} is not the file that it was: {size} bytes, SHA-256 {found}, expected "
            f"{published.size} bytes, {published.sha256}; it was deleted: run this again, and if "
            "that does not help, name a file of yours with --vgg FILE"
        )


def _download(published: Published, path: Path) -> None:
    """Fetch what is missing of a file.

    Raises:
        FetchError: not all of it came, or it cannot be written.
    """
    have = _size(path)
    _log.info("fetching %s, %d MB, from %s", published.about, published.size_mb, published.url)
    headers = {"User-Agent": "vjnode"} | ({"Range": f"bytes={have}-"} if have else {})
    request = Request(published.url, headers=headers)  # noqa: S310 - the address is pinned
    try:
        answer = urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except HTTPError as error:
        if error.code == 416:  # it has no more than is here: it is another file by now
            remove(path)
        raise _unreachable(published, path, f"the server answers {error.code}") from error
    except (URLError, OSError, HTTPException) as error:
        raise _unreachable(published, path, str(getattr(error, "reason", error))) from error
    with answer:
        if answer.status != 206:  # the server begins anew
            have = 0
        try:
            file = path.open("ab" if have else "wb")
        except OSError as error:
            raise _unwritable(path, error) from error
        with file, _bar(published, have) as bar:
            while have < published.size and (data := _received(answer, published, path)):
                _write(file, data, path)
                have += len(data)
                bar.update(len(data))
    if have < published.size:
        raise _unreachable(published, path, "the connection broke off")


def _bar(published: Published, have: int) -> "tqdm[None]":
    return tqdm(
        total=published.size,
        initial=have,
        desc=published.about,
        unit="B",
        unit_scale=True,
        disable=None,
    )


def _received(answer: IO[bytes], published: Published, path: Path) -> bytes:
    """Return the next bytes; none: it is over."""
    try:
        return answer.read(_CHUNK)
    except (OSError, HTTPException) as error:
        raise _unreachable(published, path, str(error)) from error


def _write(file: IO[bytes], data: bytes, path: Path) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise _unwritable(path, error) from error


def _size(path: Path) -> int:
    """Return the size of a file, bytes; 0: there is none."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _check_room(published: Published, path: Path) -> None:
    """Refuse a download for which there is no room.

    Raises:
        FetchError: with what is free, and what is needed.
    """
    needed_mb = (published.size - _size(path)) // 2**20 + _SPARE_MB
    free_mb = shutil.disk_usage(path.parent).free // 2**20
    if free_mb < needed_mb:
        raise FetchError(
            f"{free_mb} MB are free at {path.parent}, and {needed_mb} MB are needed; make room, or "
            "set VJNODE_CACHE to a folder on another disk"
        )


def _unreachable(published: Published, path: Path, why: str) -> FetchError:
    begun = _size(path) // 2**20
    kept = f"; the first {begun} MB are kept, and the next try goes on behind them" if begun else ""
    return FetchError(
        f"{published.about} cannot be fetched from {published.url} ({why}){kept}; connect to the "
        "network and try again, or fetch that file elsewhere and name it with --vgg FILE"
    )


def _unwritable(path: Path, error: OSError) -> FetchError:
    return FetchError(
        f"{path} cannot be written ({error.strerror or error}); make room or make it writable, or "
        "set VJNODE_CACHE to another folder"
    )
