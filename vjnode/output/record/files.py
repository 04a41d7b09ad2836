"""File names of a recording, and the check for free disk space."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vjnode.errors import InputError, OutputError
from vjnode.paths import check_writable, remove

MIN_FREE_MIB = 32
RESERVE_MIB = 16
"""Free disk space: a recording needs the first to begin, and leaves the second to other programs:
it ends, complete, when only that is left."""


class RecordingFiles:
    """File names of one recording's parts: ``NAME``, and then ``NAME-2`` and so on.

    Only the first part may replace an existing file; each further part takes the next free name.
    No file is made before ``next`` is called.

    Args:
        path: absolute, of the first part.
        replaces: whether the first part replaces an existing file; else it takes a free name too.

    """

    def __init__(self, path: Path, *, replaces: bool) -> None:
        self.path, self._replaces = path, replaces

    def check(self) -> None:
        """Check that the next part can be written, without changing any file.

        Raises:
            InputError: its folder does not exist.
            OutputError: it cannot be written, or there is too little room.
        """
        check_folder(self.path)
        try:
            if self._replaces:
                check_writable(self.path)
            else:
                part = self._make_part()
                with suppress(OSError):  # the check has succeeded: the file could be made
                    remove(part)
            free_mib = _free_mib(self.path.parent)
        except OSError as error:
            raise OutputError(
                f"cannot record to {self.path}: {error.strerror}; "
                "choose a path that you may write to"
            ) from error
        if free_mib < MIN_FREE_MIB:
            raise OutputError(
                f"cannot record to {self.path}: {free_mib} MiB are free, {MIN_FREE_MIB} MiB are "
                "needed to begin; free some space or record to another disk"
            )

    @contextmanager
    def next(self) -> Iterator[Path]:
        """Yield the path of the next part, to be opened within the context.

        A further part's file is created, which reserves its name, and removed again if the context
        fails.

        Raises:
            OutputError: it cannot be made; the text is the reason only.
        """
        if self._replaces:
            self._replaces = False
            yield self.path
            return
        try:
            part = self._make_part()
        except OSError as error:
            raise OutputError(
                f"{error.strerror}; record to a path that you may write to"
            ) from error
        try:
            yield part
        except OutputError:
            with suppress(OSError):
                remove(part)
            raise

    def check_room(self) -> None:
        """Check that there is enough free space to go on recording.

        Raises:
            OutputError: there is not; the text is the reason only.
        """
        folder = self.path.parent
        try:
            free_mib = _free_mib(folder)
        except OSError as error:
            raise OutputError(
                f"its folder {folder} cannot be reached any more ({error.strerror}); "
                "bring it back or record to another one"
            ) from error
        if free_mib < RESERVE_MIB:
            raise OutputError(
                f"the disk is full but for {free_mib} MiB, which are left to others; "
                "free some space or record to another disk"
            )

    def _make_part(self) -> Path:
        """Create the first further part whose name is free, and return its path.

        Raises:
            OSError: it cannot be made.
        """
        for number in itertools.count(2):
            part = self.path.with_stem(f"{self.path.stem}-{number}")
            with suppress(FileExistsError):
                part.open("xb").close()
                break
        return part


def check_folder(path: Path) -> None:
    """Check that ``path`` can name a new file.

    Raises:
        InputError: its folder does not exist, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise InputError(f"cannot record to {path}: there is no folder {path.parent}; make it")
    if path.is_dir():  # Windows would report it as not writable
        raise InputError(f"cannot record to {path}: it is a folder; name a file in it")


def _free_mib(folder: Path) -> int:
    return shutil.disk_usage(folder).free >> 20
