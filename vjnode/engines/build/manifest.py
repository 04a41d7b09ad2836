"""Manifest of an engine file, in JSON beside it: the machine it was built for, and its parts.

Nothing in an engine file itself is looked at before its manifest is found to be this machine's
own and every field of it to be right: see ``vjnode.engines.build.store``.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from vjnode.engines.build.signing import is_ours, sign
from vjnode.errors import EngineError
from vjnode.remedies import run_vjnode

FORMAT = 1

_SIGNATURE = "hmac_sha256"


@dataclass(frozen=True)
class Manifest:
    """One engine.

    format: of this file. network, size, precision, graph: as in ``vjnode.engines.networks``.
    flavour, version: of TensorRT. gpu: compute capability, such as sm89. os: such as
    linux-x86_64. shapes: of inputs and outputs, by name. engine_bytes: its length.
    """

    format: int
    network: str
    size: int
    precision: str
    graph: int
    flavour: str
    version: str
    gpu: str
    os: str
    shapes: dict[str, list[int]]
    weights_sha256: str
    onnx_sha256: str
    engine_bytes: int
    engine_sha256: str

    def signed(self) -> bytes:
        """Return the file's content, signed with this machine's key.

        Raises:
            EngineError: there is no such key and none can be made.
        """
        content = asdict(self)
        return json.dumps(content | {_SIGNATURE: sign(_canonical(content))}, indent=1).encode()


def manifest_path(engine: Path) -> Path:
    """Path of the manifest that belongs to an engine file."""
    return engine.with_name(f"{engine.name}.json")


def read_manifest(engine: Path) -> tuple[Manifest, bool]:
    """Return the manifest of an engine file, and whether this machine has signed it.

    Raises:
        EngineError: there is none, or it is damaged or of another version.
    """
    path = manifest_path(engine)
    try:
        content = json.loads(path.read_bytes())
        signature = content.pop(_SIGNATURE)
        kinds = {"int": int, "str": str}
        for field in fields(Manifest):
            kind = kinds.get(str(getattr(field.type, "__name__", field.type)), dict)
            if type(content[field.name]) is not kind:
                raise TypeError(f"{field.name} is {content[field.name]!r}")
        manifest = Manifest(**content)
        return manifest, is_ours(_canonical(content), str(signature))
    except FileNotFoundError as error:
        raise EngineError(
            f"engine {engine.name} has no manifest, as if its build had been interrupted; "
            f"build it again, after: {run_vjnode('engines', 'remove', engine.name)}"
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError(
            f"{path.name} is not the manifest of an engine ({_said(error)}); "
            f"build it again, after: {run_vjnode('engines', 'remove', engine.name)}"
        ) from error


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
