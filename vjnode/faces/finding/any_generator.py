"""Finding of actions for any generator of faces, by the closed form alone.

No recognition network is needed and no descent is made: minutes instead of an hour. What is found
goes along with more side effects than the actions that ship.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import scan
from vjnode.faces.finding.actions import ACTIONS, Action
from vjnode.faces.finding.contact_sheet import FACES, Draw, Picture, contact_sheet, strip
from vjnode.faces.finding.losses import Settings, likeness, targets_of
from vjnode.faces.finding.open import TRUNCATION, studio_of
from vjnode.faces.finding.retouch import retouched
from vjnode.faces.finding.search import solve
from vjnode.faces.finding.studio import Sitter, Studio
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.faces.own import random_code
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import cache_dir, remove, replace_file, shipped

FINDABLE = tuple(action.name for action in ACTIONS.values() if action.region != "pose")
"""Actions of a face; heads are turned by descent."""

PRESENCE = 0.9
"""Certainty of the mesh from which on a picture shows a face."""

_TRIES = 5
"""Pictures that are looked at for each face that is wanted."""

_BLIND = 5
"""Pictures without a single face after which no more are looked at."""

_CALIBRATED_ON, _FACTORS = 3, (0.5, 2.0)
"""Faces that an amount of 1 is set on, and the least and largest factor on the linear estimate."""


@dataclass(frozen=True)
class Request:
    """Actions to find. names: of ``FINDABLE``. faces: to find them on. out: folder for them."""

    spec: GeneratorSpec
    names: Sequence[str]
    seed: int
    faces: int
    out: Path


def find_actions(request: Request, say: Callable[[str], None]) -> None:
    """Find actions and write them, each with a contact sheet, and the expressions made of them.

    A search that was broken off goes on where it was. say: is told what was written.

    Raises:
        InputError: the generator draws no faces, or a file is in the way.
        VjnodeError: a file cannot be written.
    """
    spec = request.spec
    stems = {name: free_name(name, spec, request.out) for name in request.names}
    work = cache_dir("finding", f"{spec.name}-{request.seed}")
    studio = studio_of(spec)
    sitters = seated(studio, request)
    wanted = [ACTIONS[name] for name in request.names]
    settings = Settings(closed_faces=len(sitters))
    with tqdm(total=len(sitters), desc="gradients", unit="face", disable=None) as bar:
        found = solve(
            studio, sitters, wanted, settings, seed=request.seed, progress=bar.update, folder=work
        )
    try:
        (request.out / "actions").mkdir(parents=True, exist_ok=True)
        for action in tqdm(wanted, "actions", unit="action", disable=None):
            offsets = calibrated(studio, sitters, action, found[action.name].offsets)
            whole = torch.zeros(spec.styles)
            whole[studio.styles.offsets] = offsets * studio.styles.spread
            path = request.out / "actions" / f"{stems[action.name]}.toml"
            _write(request, action, path, whole, partial(_drawn, studio, sitters, offsets))
            say(str(path))
        if stems.keys() == set(stems.values()):
            for path in _sums(request):
                say(str(path))
        for path in work.glob("face-*.safetensors"):
            remove(path)
    except OSError as error:
        raise VjnodeError(f"{error.filename} cannot be written ({error.strerror})") from error


def free_name(name: str, spec: GeneratorSpec, out: Path) -> str:
    """Return the name that an action is written under: its own, unless one of it ships.

    Raises:
        InputError: a file of another generator's has the name.
    """
    taken = {entry.name for entry in scan(shipped("actions")) if entry.generator.name == spec.name}
    stem = f"{name}-found" if name in taken else name
    path = out / "actions" / f"{stem}.toml"
    if path.is_file():
        theirs = tomllib.loads(path.read_text(encoding="utf-8")).get("generator")
        if theirs != spec.codes_of:
            raise InputError(f"{path} is of the generator {theirs!r}; move it, or choose --out")
    return stem


def seated(studio: Studio, request: Request) -> list[Sitter]:
    """Return random faces, of those pictures of the generator that show one.

    Raises:
        InputError: too few do.
    """
    spec, meter, sitters = request.spec, LandmarkMeter(), list[Sitter]()
    tries = _TRIES * request.faces
    with tqdm(total=request.faces, desc="faces", unit="face", disable=None) as bar:
        for i in range(tries):
            code = random_code(spec, 10_000 * request.seed + i, TRUNCATION)
            sitter = studio.seat(torch.from_numpy(code), spec.slots)
            if meter.measure(_levels(sitter.picture)).presence > PRESENCE:
                sitters.append(sitter)
                bar.update()
            if len(sitters) == request.faces:
                return sitters
            if i + 1 == _BLIND and not sitters:
                break
    raise InputError(
        f"{spec.name} drew {len(sitters)} faces in {i + 1} pictures, and {request.faces} are "
        "needed; actions can be found for a generator that was trained on upright faces"
    )


def calibrated(
    studio: Studio, sitters: Sequence[Sitter], action: Action, offsets: torch.Tensor
) -> torch.Tensor:
    """Return offsets, scaled so that they reach an action's targets, as far as ``_FACTORS`` go."""
    wanted = targets_of(action)
    moved, effects = wanted != 0, []
    with torch.no_grad():
        for sitter in sitters[:_CALIBRATED_ON]:
            picture = studio.draw(sitter.codes, offsets)
            if action.retouch:
                still = retouched(sitter.picture, sitter.points, action.retouch, 1.0)
                effects.append(float(likeness(picture, sitter.picture, still)))
            else:
                change = studio.look(picture, sitter.box).measures - sitter.measures
                effects.append(float((change / wanted)[moved].mean()))
    low, high = _FACTORS
    return offsets * float(np.clip(1 / max(float(np.mean(effects)), 1e-3), low, high))


def _write(request: Request, action: Action, path: Path, offsets: torch.Tensor, draw: Draw) -> None:
    """Write an action's files: .toml, .safetensors, a sheet .png and a strip .jpg.

    offsets: of all factors, [styles].
    """
    spec = request.spec
    jaws = action.targets.get("mouth_open", 0.0) / ACTIONS["jaw"].targets["mouth_open"]
    text = (
        f'number = {list(ACTIONS).index(action.name)}\ngenerator = "{spec.codes_of}"\n'
        f'about = "{action.about}"\nregion = "{action.region}"\nslots = []\n'
        + (f"opens_mouth = {jaws:.2f}\n" if jaws > 0 else "")
        + "\n# Found by: vjnode expressions find\n"
        f"[found]\nseed = {request.seed}\nfaces = {request.faces}\n"
    )
    tensors = {"rows": np.zeros((0, spec.dim), np.float32), "offsets": offsets.numpy()}
    replace_file(path.with_suffix(".png"), contact_sheet(draw, min(FACES, request.faces)))
    replace_file(path.with_suffix(".jpg"), strip(draw))
    replace_file(path.with_suffix(".safetensors"), save(tensors))
    replace_file(path, text.encode())


def _drawn(
    studio: Studio, sitters: Sequence[Sitter], offsets: torch.Tensor, face: int, amount: float
) -> Picture:
    with torch.no_grad():
        return _levels(studio.draw(sitters[face].codes, amount * offsets))


def _levels(picture: torch.Tensor) -> Picture:
    levels: NDArray[np.uint8] = (
        (picture[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    )
    return levels


def _sums(request: Request) -> list[Path]:
    """Write the shipped expressions of which all actions are there, for this generator."""
    there = {path.stem for path in (request.out / "actions").glob("*.toml")}
    folder, written = request.out / "expressions", list[Path]()
    for entry in scan(shipped("expressions")):
        parts = entry.text.get("part", ())
        path = folder / f"{entry.name}.toml"
        if all(part.get("action") in there for part in parts) and not path.exists():
            ours, theirs = (
                f'generator = "{name}"' for name in (entry.generator.name, request.spec.codes_of)
            )
            text = entry.path.read_text(encoding="utf-8").replace(ours, theirs)
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(path, text.encode())
            written.append(path)
    return written
