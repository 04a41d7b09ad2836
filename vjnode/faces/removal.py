"""Removal of the user's own faces, with all that was made of them and is kept elsewhere."""

import re
import shutil
from contextlib import suppress
from pathlib import Path

from vjnode.errors import InputError
from vjnode.faces.catalogue import forget_own, scan
from vjnode.faces.face_file import own_files
from vjnode.generators.latent import own_stem
from vjnode.paths import cache_dir, config_dir, remove, sha256_of, shipped

_PICTURES = re.compile(r"(?P<shown>.+)-\d+-[0-9a-f]{16}")
"""Folder of key frames: face and expressions, size, digest; see ``render.keyframe_files``."""


def begun_file(name: str) -> Path:
    """Return the file with the state of a face that is being made of a photo."""
    return cache_dir("photos") / f"{name}.safetensors"


def remove_face(name: str) -> None:
    """Remove one of the user's own faces, or what was begun of one, and its pictures.

    Raises:
        InputError: none of this name is the user's.
    """
    folder = config_dir("faces")
    own = [path.stem for path in own_files(folder)]
    begun = begun_file(name) if name in _begun() else None
    if name not in own and begun is None:
        there = ", ".join(own) or "none yet"
        raise InputError(f"{name[:64]!r} is not a face of your own; there are: {there}")
    remove_traces(name)
    for path in (folder / f"{name}.toml", folder / f"{name}.safetensors", begun):
        if path is not None:
            remove(path)
    forget_own()


def remove_traces(name: str) -> None:
    """Remove the graph and the pictures that are kept of a face of the user's own, where possible.

    They show a person, and nobody would find them.
    """
    numbers = config_dir("faces") / f"{name}.safetensors"
    with suppress(OSError):  # there is none
        for graph in cache_dir("models").glob(f"{own_stem(sha256_of(numbers))}-*"):
            shutil.rmtree(graph, ignore_errors=True)
    for folder in cache_dir("sweeps").glob(f"{name}-*"):
        if _shows(folder.name, name):
            shutil.rmtree(folder, ignore_errors=True)


def _begun() -> list[str]:
    return [path.stem for path in cache_dir("photos").glob("[!.]*.safetensors")]


def _shows(folder: str, name: str) -> bool:
    """Return whether a folder of key frames shows a face, and not another with a longer name."""
    if (match := _PICTURES.fullmatch(folder)) is None:
        return False
    faces = [entry.name for entry in scan(shipped("faces"))]
    faces += [path.stem for path in own_files(config_dir("faces"))]
    longer = [face for face in faces if face.startswith(f"{name}-")]
    return not any(f"{match['shown']}-".startswith(f"{face}-") for face in longer)
