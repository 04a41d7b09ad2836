"""The user's own faces: random ones, mixed ones, and latents from elsewhere, kept by name."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import face_names, forget_own, load_face, scan
from vjnode.faces.removal import remove_traces
from vjnode.generators.spec import GeneratorSpec
from vjnode.naming import check_new_name
from vjnode.paths import check_writable, config_dir, remove, replace_file, shipped

TRUNCATION = 0.7
"""Of random faces: plainer and cleaner than those of the whole network, as those that ship."""


def check_name(name: str, kind: str = "face") -> None:
    """Refuse a name that cannot be a face's, or an expression's, as ``kind`` says.

    Raises:
        InputError: it has other characters, is too long, or one of this name ships.
    """
    check_new_name(kind, name)
    if name in {entry.name for entry in scan(shipped(f"{kind}s"))}:
        raise InputError(
            f"a{'n' * (kind[0] in 'aeiou')} {kind} called {name!r} ships; choose another name"
        )


def check_kept(name: str) -> None:
    """Refuse to begin a face, which takes minutes, that could not be kept in the end.

    Raises:
        InputError: see ``check_name``.
        VjnodeError: its file cannot be written.
    """
    check_name(name)
    path = config_dir("faces") / f"{name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except OSError as error:
        raise VjnodeError(
            f"{path} cannot be written ({error.strerror}); make that folder writable"
        ) from error


def random_codes(
    spec: GeneratorSpec, seeds: Iterable[int], truncation: float
) -> NDArray[np.float32]:
    """Return the style codes, (n, dim) float32, that seeds give; each as ``random_code`` does."""
    import torch  # noqa: PLC0415 - takes seconds

    mapping = spec.mapping()
    noises = [
        np.random.default_rng(seed).standard_normal((1, spec.dim), np.float32) for seed in seeds
    ]
    with torch.inference_mode():
        codes: NDArray[np.float32] = np.concatenate(
            [mapping(torch.from_numpy(noise), truncation).numpy() for noise in noises]
        )
    return codes


def random_code(spec: GeneratorSpec, seed: int, truncation: float) -> NDArray[np.float32]:
    """Return the style code, (dim,) float32, that a seed gives; the same wherever it is made."""
    code: NDArray[np.float32] = random_codes(spec, [seed], truncation)[0]
    return code


def read_codes(path: Path, spec: GeneratorSpec) -> NDArray[np.float32]:
    """Return the style codes in a file, (dim,) or (slots, dim) float32.

    path: .npy, or .safetensors with one tensor, or one called ``codes`` or ``w``.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        if path.suffix.lower() == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            tensors = load_file(path)
            name = next((one for one in ("codes", "w", *tensors) if one in tensors), "")
            found = tensors[name]
    except (OSError, ValueError, SafetensorError, KeyError) as error:
        raise InputError(f"{path} holds no latent that can be read ({error})") from error
    codes: NDArray[np.float32] = np.squeeze(found).astype(np.float32)
    if codes.shape not in (spec.codes_shape, spec.codes_shape[1:]) or not np.isfinite(codes).all():
        raise InputError(
            f"{path} holds numbers of shape {codes.shape}; a latent of {spec.name} is finite, "
            f"{spec.codes_shape[1:]} or {spec.codes_shape}"
        )
    return codes


def add_face(name: str, codes: NDArray[np.float32], spec: GeneratorSpec, about: str) -> Path:
    """Keep a face in the user's folder, instead of one of the same name that was there.

    codes: (dim,) or (slots, dim), float32. Returns: its .toml file.

    Raises:
        InputError: see ``check_name``.
        VjnodeError: it cannot be written.
    """
    check_name(name)
    path = config_dir("faces") / f"{name}.toml"
    number = len([one for one in face_names(spec) if one != name])  # behind all others
    # A text in JSON is one in TOML.
    said = json.dumps(about, ensure_ascii=False)
    text = f'number = {number}\ngenerator = "{spec.codes_of}"\nabout = {said}\n'
    remove_traces(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path.with_suffix(".safetensors"), save({"codes": codes}))
        replace_file(path, text.encode())
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror})") from error
    forget_own()
    return path


def add_whole_face(name: str, data: bytes) -> Path:
    """Keep a face that is one file in the user's folder, instead of one of the same name.

    data: of the .safetensors file, its text in its metadata. Returns: the file.

    Raises:
        InputError: see ``check_name``.
        VjnodeError: it cannot be written.
    """
    check_name(name)
    path = config_dir("faces") / f"{name}.safetensors"
    remove_traces(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
        remove(path.with_suffix(".toml"))
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror})") from error
    forget_own()
    return path


def mix_faces(first: str, second: str, share: float, spec: GeneratorSpec) -> NDArray[np.float32]:
    """Return the style codes, (slots, dim), of a face between two. share: of the second, 0…1.

    Raises:
        InputError: there is no such face.
    """
    one, other = (load_face(name, spec).codes for name in (first, second))
    mixed: NDArray[np.float32] = one + np.float32(share) * (other - one)
    return mixed
