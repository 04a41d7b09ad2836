"""Paths of shipped files and of the user's cache; replacing, moving and removing with retries."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from vjnode.errors import VjnodeError

TRIES, PAUSE_S = 11, 0.05
"""Number of tries and pause between them, s. Windows neither moves nor removes a file that another
program has open, as virus scanners have new files; after half a second most are closed again."""


def shipped(*parts: str) -> Path:
    """Return the path of a file in ``presets/``, in a checkout or in an installed wheel."""
    return _presets().joinpath(*parts)


@cache  # a show that draws live asks at every frame
def _presets() -> Path:
    package = Path(__file__).resolve().parent
    root = package / "presets"
    return root if root.is_dir() else package.parent / "presets"


def config_dir(*parts: str) -> Path:
    """Return a folder of the user's own presets and faces, which need not be there."""
    return Path(platformdirs.user_config_dir("vjnode", appauthor=False)).joinpath(*parts)


def cache_dir(*parts: str) -> Path:
    """Return the folder for models and sweeps; ``VJNODE_CACHE`` overrides the system's default.

    Raises:
        VjnodeError: the folder cannot be created.
    """
    base = os.environ.get("VJNODE_CACHE") or platformdirs.user_cache_dir("vjnode", appauthor=False)
    folder = Path(base).expanduser().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VjnodeError(
            f"the cache folder {folder} cannot be made ({error.strerror}); "
            "make it writable, or set VJNODE_CACHE to a folder that is"
        ) from error
    return folder


def check_writable(path: Path) -> None:
    """Check that ``path`` can be written, without changing any file.

    An empty file stays behind if another program has opened it by then and does not close it.

    Raises:
        OSError: it cannot be written.
    """
    try:
        path.open("xb").close()
    except FileExistsError:
        path.open("ab").close()
    else:
        with suppress(OSError):  # the check has succeeded: the file could be written
            remove(path)


def replace_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the whole new one.

    Raises:
        OSError: the folder is not writable or the disk is full; ``path`` is unchanged.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # like any other file; mkstemp makes it private
        move(temporary, path)
    finally:
        with suppress(OSError):  # the file has been renamed by then, unless this failed
            remove(temporary)


def replace_file_with_backup(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as ``replace_file`` does; what was there is kept as NAME.bak.

    Raises:
        OSError: the folder is not writable or the disk is full; ``path`` is unchanged.
    """
    with suppress(FileNotFoundError):
        replace_file(backup_of(path), path.read_bytes())
    replace_file(path, data)


def backup_of(path: Path) -> Path:
    """Return the path of what ``path`` held before it was last written."""
    return path.with_name(f"{path.name}.bak")


def move(source: Path, target: Path) -> None:
    """Rename the file or folder ``source`` to ``target``, on the same disk, in one step.

    An existing file is replaced.

    Raises:
        OSError: that failed; after half a second, if another program has one of them open.
    """
    _retry(lambda: source.replace(target))


def remove(path: Path) -> None:
    """Remove the file ``path``, if there is one.

    Raises:
        OSError: that failed; after half a second, if another program has it open.
    """
    _retry(lambda: path.unlink(missing_ok=True))


def _retry(act: Callable[[], object]) -> None:
    """Call ``act``, and retry for half a second while another program has a file open.

    Raises:
        OSError: the last try failed, too, or a try failed for another reason.
    """
    for _ in range(TRIES - 1):
        try:
            act()
        except PermissionError:
            time.sleep(PAUSE_S)
        else:
            return
    act()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
