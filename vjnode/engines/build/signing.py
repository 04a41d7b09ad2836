"""A key of this machine, to tell the engines it has built or admitted from foreign ones.

To run an engine is to run its maker's program: TensorRT does not check what it reads.
"""

import hmac
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from vjnode.errors import EngineError
from vjnode.paths import cache_dir, move, remove
from vjnode.remedies import run, run_vjnode

KEY_BYTES = 32


def sign(text: bytes) -> str:
    """Return what only this machine's key makes of ``text``: HMAC-SHA-256, hexadecimal.

    Raises:
        EngineError: the key cannot be read or made, or others can read it.
    """
    return hmac.new(_key(), text, "sha256").hexdigest()


def is_ours(text: bytes, signature: str) -> bool:
    """Return whether ``signature`` was made of ``text`` with this machine's key.

    Raises:
        EngineError: as for ``sign``.
    """
    return hmac.compare_digest(sign(text).encode(), signature.encode())


def _key() -> bytes:
    path = cache_dir("trust") / "engines.key"
    try:
        if not path.exists():
            _make(path)
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise EngineError(
                f"{path} can be read by others (mode {path.stat().st_mode & 0o777:o}), so engines "
                f"may be forged; run: {run('chmod', '600', str(path))} "
                "and build the engines again if unsure"
            )
        key = path.read_bytes()
    except OSError as error:
        raise EngineError(
            f"this machine's key {path} cannot be read or made ({error.strerror}); "
            "make that folder writable, or set VJNODE_CACHE to another"
        ) from error
    if len(key) != KEY_BYTES:
        raise EngineError(
            f"this machine's key {path} is damaged ({len(key)} bytes, not {KEY_BYTES}); "
            "delete it, then build the engines again, or admit each: "
            f"{run_vjnode('engines', 'trust')} ENGINE"
        )
    return key


def _make(path: Path) -> None:
    """Make the key, whole and with mode 0600 from the start, unless another process has."""
    handle, name = tempfile.mkstemp(prefix=".key.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    except OSError:  # a file system without links; two first processes at once must be rarer yet
        move(Path(name), path)
    finally:
        with suppress(OSError):  # it has been moved, or stays as a hidden file
            remove(Path(name))
