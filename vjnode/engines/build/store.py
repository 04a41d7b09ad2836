"""The folder of built engines: what is there, what may be run, and what to do about the rest."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vjnode.engines.build.manifest import FORMAT, Manifest, manifest_path, read_manifest
from vjnode.engines.build.tensorrt_variants import FLAVOURS, Flavour, flavour_of, system
from vjnode.engines.cuda.capability import gpu_here, with_cards
from vjnode.engines.networks import Network, Precision, kept_graph, known_network
from vjnode.errors import EngineError, InputError, VjnodeError
from vjnode.paths import cache_dir, replace_file, sha256_of
from vjnode.paths import remove as remove_file
from vjnode.remedies import run_vjnode


@dataclass(frozen=True)
class Machine:
    """Machine that an engine is tied to. gpu: compute capability, such as sm89."""

    flavour: str
    version: str
    gpu: str
    os: str


def this_machine(flavour: Flavour) -> Machine:
    """Return this machine with one of the TensorRTs on it.

    Raises:
        EngineError: there is no card, or the TensorRT is not usable here.
    """
    gpu = gpu_here()
    if gpu is None:
        raise EngineError("there is no CUDA card here, which the engines of TensorRT run on")
    return Machine(flavour.module, flavour.version, gpu, system())


def engines_dir() -> Path:
    """Folder of built engines: ``VJNODE_ENGINES``, or that of the checkout, or in the cache."""
    if chosen := os.environ.get("VJNODE_ENGINES"):
        return Path(chosen).expanduser()
    beside = Path(__file__).resolve().parents[3] / "engines"
    return beside if beside.is_dir() else cache_dir("engines")


def engine_path(
    folder: Path, network: Network, size: int, precision: Precision, machine: Machine
) -> Path:
    """Path of an engine for a machine, whether it is there or not."""
    words = (network.name, size, precision, machine.gpu)
    name = "-".join(str(word) for word in words if word)
    return folder / (name + FLAVOURS[machine.flavour].ending)


def engine_files(folder: Path) -> list[Path]:
    """Return the engine files in a folder, and those whose manifest alone is there, by name."""
    endings = tuple(flavour.ending for flavour in FLAVOURS.values())
    found = {path.with_name(path.name.removesuffix(".json")) for path in folder.glob("*.*")}
    return sorted(path for path in found if path.name.endswith(endings) and path.name[0] != ".")


def wanted(network: Network, size: int, precision: Precision, machine: Machine) -> dict[str, Any]:
    """Return what the manifest of an engine has to say so that it may be run.

    Raises:
        FetchError: the network's weights are neither in the cache nor to be had.
    """
    weights_sha256 = sha256_of(network.weights())
    fields = {
        "format": FORMAT,
        "network": network.name,
        "size": size,
        "precision": precision,
        "graph": network.graph,
        "flavour": machine.flavour,
        "version": machine.version,
        "os": machine.os,
        "gpu": machine.gpu,
        "shapes": {name: list(shape) for name, shape in network.shapes(size).items()},
        "weights_sha256": weights_sha256,
    }
    graph = kept_graph(network, size, precision, weights_sha256)
    return fields | ({"onnx_sha256": sha256_of(graph)} if graph.is_file() else {})


def admit(path: Path, wants: Mapping[str, Any]) -> bytes:
    """Return the content of an engine file that may be given to TensorRT.

    Its manifest is this machine's own, says what is wanted field by field, and fits the content.

    path: of the engine file. wants: what ``wanted`` returned.

    Raises:
        EngineError: it may not be run; the text says why, and what to do.
    """
    manifest, ours = read_manifest(path)
    for field, value in wants.items():
        found = getattr(manifest, field)
        if found != value:
            raise EngineError(f"engine {path.name} {_mismatch(field, found, value)}; {_fix(wants)}")
    if not ours:
        raise EngineError(
            f"engine {path.name} was not built on this machine, or its manifest was changed since; "
            f"{_fix(wants)}; or, if you trust whoever built it as you would trust a program of "
            f"theirs: {run_vjnode('engines', 'trust', path.name)}"
        )
    return _content(path, manifest, _fix(wants))


def trust(path: Path) -> Manifest:
    """Admit an engine that was built elsewhere: sign its manifest with this machine's key.

    Raises:
        EngineError: its manifest is missing or damaged, the engine is not the one it tells of, or
            the manifest cannot be written.
    """
    manifest, _ = read_manifest(path)
    _content(path, manifest, "copy both files again from where they were built")
    try:
        write_manifest(path, manifest)
    except OSError as error:
        raise EngineError(
            f"{manifest_path(path)} cannot be written ({error.strerror}); make room or make the "
            "folder writable; the engine is not admitted"
        ) from error
    return manifest


def remove(path: Path) -> None:
    """Delete an engine, its manifest, and what killed builds of it have left.

    Raises:
        EngineError: they cannot be deleted.
    """
    try:
        for one in (path, manifest_path(path), *path.parent.glob(f".{path.name}.*")):
            remove_file(one)
    except OSError as error:
        raise EngineError(f"{path} cannot be deleted ({error.strerror})") from error


def store(path: Path, engine: bytes, manifest: Manifest) -> None:
    """Write an engine, then its manifest: without the second, the first is never picked up.

    Raises:
        OSError: they cannot be written.
    """
    digest = hashlib.sha256(engine).hexdigest()
    manifest = replace(manifest, engine_bytes=len(engine), engine_sha256=digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_file(manifest_path(path))
    replace_file(path, engine)
    write_manifest(path, manifest)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the signed manifest of the engine file ``path``.

    Raises:
        OSError: it cannot be written.
        EngineError: this machine's key cannot be read or made.
    """
    replace_file(manifest_path(path), manifest.signed())


def find(folder: Path, name: str) -> Path:
    """Return the engine file of that name, with or without its ending.

    Raises:
        InputError: there is none, or more than one.
    """
    files = engine_files(folder)
    found = [path for path in files if name in (path.name, path.stem)]
    if len(found) != 1:
        names = ", ".join(path.name for path in found or files) or "none"
        which = "more than one engine is" if found else "no engine is"
        raise InputError(f"{which} called {name!r} in {folder}; there: {names}")
    return found[0]


@dataclass(frozen=True)
class Examined:
    """Result of examining an engine.

    manifest: None when it cannot be read. reason: why it cannot be run here, "" when it can.
    elsewhere: whether it can where the card is that it was built for.
    """

    manifest: Manifest | None
    reason: str
    elsewhere: bool = False


def examine(path: Path) -> Examined:
    """Say whether an engine can be run here; neither a card nor TensorRT is needed to ask."""
    manifest = None
    try:
        manifest, _ = read_manifest(path)
        flavour = flavour_of(path.suffix)
        network = known_network(manifest.network)
        if network is None or manifest.size not in network.sizes or flavour is None:
            reason = f"engine {path.name} is of a network that this version does not know"
            return Examined(manifest, reason)
        precision: Precision = "fp32" if manifest.precision == "fp32" else "fp16"
        if manifest.gpu == (here := gpu_here()):
            machine = this_machine(flavour)
        else:  # it can still be damaged, or of another version of the network
            machine = Machine(flavour.module, manifest.version, manifest.gpu, system())
        admit(path, wanted(network, manifest.size, precision, machine))
    except VjnodeError as error:
        return Examined(manifest, str(error))
    if manifest.gpu == here:
        return Examined(manifest, "")
    which = f"this GPU is {here}" if here else "there is no CUDA card here"
    return Examined(manifest, f"it is for {with_cards(manifest.gpu)}, and {which}", elsewhere=True)


def _content(path: Path, manifest: Manifest, fix: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(f"engine {path.name} cannot be read ({error.strerror}); {fix}") from error
    if len(content) != manifest.engine_bytes:
        raise EngineError(
            f"engine {path.name} has {len(content)} bytes, not {manifest.engine_bytes}: "
            f"it is cut off or another one; {fix}"
        )
    if hashlib.sha256(content).hexdigest() != manifest.engine_sha256:
        raise EngineError(f"engine {path.name} is damaged or was changed (SHA-256); {fix}")
    return content


_FIXED = ("size", "precision", "gpu", "flavour")


def _fix(wants: Mapping[str, Any]) -> str:
    named = {"model": wants["network"], **{key: wants[key] for key in _FIXED}}
    options = [word for key, value in named.items() if value for word in (f"--{key}", str(value))]
    return f"run: {run_vjnode('engines', 'build', *options)}"


def _mismatch(field: str, found: object, value: object) -> str:
    """Say how one field of a manifest differs from what is wanted."""
    if field.endswith("_sha256"):
        found, value = f"{found}"[:8] + "…", f"{value}"[:8] + "…"
    said = _MISMATCHES.get(field, f"has {field} {{found}}, not {{wanted}}")
    return said.format(found=found, wanted=value)


_MISMATCHES = {
    "gpu": "was built for {found}, this GPU is {wanted}",
    "flavour": "was built by {found}, here it is {wanted} that would run it",
    "version": "was built by TensorRT version {found}, installed is {wanted}",
    "os": "was built on {found}, this is {wanted}",
    "weights_sha256": "was made from other weights (SHA-256 {found}, not {wanted})",
    "onnx_sha256": "was made from another graph (SHA-256 {found}, not {wanted})",
    "shapes": "has other inputs or outputs than this version of vjnode",
    "graph": "is graph {found} of its network, this version of vjnode draws with graph {wanted}",
    "format": "has a manifest of format {found}, this version of vjnode reads {wanted}",
}
