"""State of a face in the making, on disk: work that is broken off goes on to the same result."""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vjnode.errors import InputError, VjnodeError
from vjnode.paths import remove, replace_file

_METADATA = "state"


@dataclass
class State:
    """The point that was reached.

    stage, done: number of the stage, and rounds of it that are done. tensors: whatever stages keep.
    """

    stage: int = 0
    done: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)


def digest_of(*parts: bytes | str) -> str:
    """Return a digest over all that the result depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


class StateFile:
    """A file with the state of one request; it is replaced as a whole.

    request: digest of all that the result depends on. every_s: interval of saving, s.
    """

    def __init__(self, path: Path, request: str, every_s: float) -> None:
        self._path, self._request, self._every_s = path, request, every_s
        self._saved_s = time.monotonic()
        for left in path.parent.glob(f".{path.name}.*"):  # of a process that was killed as it saved
            with suppress(OSError):
                remove(left)

    def is_of_this_request(self) -> bool:
        """Return whether something was saved that can be gone on with."""
        try:
            self.load()
        except InputError:
            return False
        return True

    def load(self) -> State:
        """Return the point that was reached.

        Raises:
            InputError: nothing was saved, or it is of another request.
        """
        try:
            with safe_open(self._path, "pt") as file:
                said = json.loads((file.metadata() or {})[_METADATA])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state = State(int(said["stage"]), int(said["done"]), tensors)
        except FileNotFoundError as error:
            raise InputError("there is nothing to go on with; leave --resume out") from error
        except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{self._path} cannot be gone on with ({error}); leave --resume out"
            ) from error
        if said.get("request") != self._request:
            raise InputError(
                "what was begun is of another photo, or has other options or another --device; "
                "give the same ones, or leave --resume out to begin anew"
            )
        return state

    def is_due(self) -> bool:
        """Return whether it is time to save."""
        return time.monotonic() - self._saved_s >= self._every_s

    def save(self, stage: int, done: int, tensors: Mapping[str, Tensor]) -> None:
        """Save the point that was reached.

        Raises:
            VjnodeError: it cannot be written.
        """
        said = {"request": self._request, "stage": stage, "done": done}
        whole = {name: value.detach().contiguous() for name, value in tensors.items()}
        try:
            replace_file(self._path, save(whole, metadata={_METADATA: json.dumps(said)}))
        except OSError as error:
            raise VjnodeError(f"{self._path} cannot be written ({error.strerror})") from error
        finally:
            self._saved_s = time.monotonic()

    def forget(self) -> None:
        """Remove the file."""
        remove(self._path)
