"""Find actions of a face (jaw, smile, blink …), of which expressions are made.

    python -m tools.faces.find_expressions [NAME …] [--work FOLDER] [--jobs N]

Each action is found on random faces of the default generator (vjnode.faces.finding) and written to
presets/actions, with a strip of pictures beside it. It takes about a minute on one core. What is
found lies in the work folder as well, with a contact sheet: an interrupted run goes on where it
was, and what is there is not found again. The same seed gives the same actions. dlib's recognition
network keeps the person: install the extra persons, or name the folder of its files with --dlib.
"""

import argparse
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from tqdm import tqdm

from vjnode.engines.registry import open_engine
from vjnode.errors import InputError
from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.faces.expression import subject_of
from vjnode.faces.finding.actions import ACTIONS, Action
from vjnode.faces.finding.contact_sheet import FACES as SHEET_FACES
from vjnode.faces.finding.contact_sheet import Picture, contact_sheet, strip
from vjnode.faces.finding.losses import Settings
from vjnode.faces.finding.open import PX, codes_with_glasses, open_studio, sitters
from vjnode.faces.finding.search import Found, descend, solve
from vjnode.faces.finding.studio import Sitter, Studio
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.generators.latent import Latent
from vjnode.generators.registry import DEFAULT
from vjnode.paths import replace_file, shipped

SEED, FACES = 5, 48
GLASSES_SEED, GLASSES = 77, 16
"""Faces with glasses, that heads are turned on beside the others."""

_opened: dict[Path, tuple[Studio, list[Sitter]]] = {}
"""Studio and faces of this process."""


def open_faces(network: Path) -> tuple[Studio, list[Sitter]]:
    """Return this process's studio and faces, opened once."""
    if network not in _opened:
        torch.set_num_threads(1)
        studio = open_studio(DlibIdentity(network))
        _opened[network] = studio, list(sitters(studio, SEED, FACES))
    return _opened[network]


def closed_forms(work: Path, network: Path) -> dict[str, Found]:
    """Return the closed forms of all face actions, computed unless they are in the work folder."""
    path = work / "closed.safetensors"
    wanted = [action for action in ACTIONS.values() if action.region != "pose"]
    kept = load_file(path) if path.is_file() else {}
    if kept.keys() >= {action.name for action in wanted}:
        return {name: Found(torch.from_numpy(value), {}, 0.0) for name, value in kept.items()}
    studio, faces = open_faces(network)
    settings = Settings()
    with tqdm(total=settings.closed_faces, desc="closed form", unit="face") as bar:
        found = solve(studio, faces, wanted, settings, seed=SEED, progress=bar.update)
    replace_file(path, save({name: one.offsets.numpy() for name, one in found.items()}))
    return found


def with_glasses(studio: Studio, work: Path) -> list[Sitter]:
    """Return faces with glasses, looked for unless their codes are in the work folder."""
    path = work / "glasses.safetensors"
    if not path.is_file():
        codes = list(codes_with_glasses(studio, GLASSES_SEED, GLASSES))
        replace_file(path, save({"codes": torch.stack(codes).numpy()}))
    return [studio.seat(torch.from_numpy(code), DEFAULT.slots) for code in load_file(path)["codes"]]


def find(name: str, start: NDArray[np.float32] | None, work: Path, network: Path) -> str:
    """Find one action and write it to the work folder; return what is said of it."""
    studio, faces = open_faces(network)
    if ACTIONS[name].region == "pose":
        faces = [*faces, *with_glasses(studio, work)]
    begin = None if start is None else Found(torch.from_numpy(start), {}, 0.0)
    found = descend(
        studio,
        faces,
        ACTIONS[name],
        begin,
        Settings(),
        seed=SEED,
        progress=lambda effect: None,
    )
    spread = torch.zeros(DEFAULT.styles)
    spread[studio.styles.offsets] = found.offsets * studio.styles.spread
    tensors = {
        "offsets": spread.numpy(),
        "slots": np.array(list(found.rows), np.int64),
        "rows": torch.stack(list(found.rows.values())).numpy(),
        "effect": np.array([found.effect], np.float32),
    }
    replace_file(work / f"{name}.safetensors", save(tensors))
    moved = int((found.offsets != 0).sum())
    return f"{name}: reaches {found.effect:.2f} of its targets; {moved} factors moved"


def write(action: Action, number: int, work: Path) -> None:
    """Write presets/actions/NAME.toml and .safetensors from what was found."""
    found = load_file(work / f"{action.name}.safetensors")
    slots, scale = found["slots"].tolist(), np.float32(action.scale)
    jaws = action.targets.get("mouth_open", 0.0) / ACTIONS["jaw"].targets["mouth_open"]
    opens = f"opens_mouth = {jaws:.2f}\n" if jaws > 0 else ""
    targets = ", ".join(f"{name} = {value:g}" for name, value in action.targets.items())
    text = (
        f'number = {number}\ngenerator = "{DEFAULT.name}"\nabout = "{action.about}"\n'
        f'region = "{action.region}"\n'
        f"slots = {slots}\n{opens}\n"
        f"# Found by tools/faces/find_expressions.py on {FACES} faces, seed {SEED}.\n"
        f"# targets: changes of measures that it was made for, times {action.scale:g}.\n"
        f"targets = {{ {targets} }}\n"
    )
    path = shipped("actions") / f"{action.name}.toml"
    path.parent.mkdir(exist_ok=True)
    tensors = {"rows": scale * found["rows"]}
    if found["offsets"].any():
        tensors["offsets"] = scale * found["offsets"]
    replace_file(path.with_suffix(".safetensors"), save(tensors))
    replace_file(path, text.encode())


def picture(name: str, work: Path) -> None:
    """Draw an action that ships: a contact sheet to the work folder, a strip beside its file."""
    engine, expression = open_engine(PX), load_expression(name)
    faces = [load_face(face) for face in face_names()]

    def draw(face: int, amount: float) -> Picture:
        subject = subject_of(faces[face], [expression])
        return engine.draw(Latent(subject, np.array([amount], np.float32)))[..., :3]

    try:
        replace_file(work / f"{name}.png", contact_sheet(draw, SHEET_FACES))
        replace_file(shipped("actions") / f"{name}.jpg", strip(draw))
    finally:
        engine.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.faces.find_expressions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that are missing")
    parser.add_argument("--work", type=Path, default=Path("build/actions"), help="work folder")
    parser.add_argument("--dlib", type=Path, help="folder of dlib's recognition network")
    parser.add_argument("--jobs", type=int, default=2, help="actions that are found at once")
    options = parser.parse_args(arguments)
    names = options.names or list(ACTIONS)
    if unknown := {*names} - {*ACTIONS}:
        raise InputError(f"there is no action {min(unknown)!r}; there are: {', '.join(ACTIONS)}")
    work, network = options.work, dlib_file(options.dlib)
    work.mkdir(parents=True, exist_ok=True)
    starts = closed_forms(work, network)
    missing = [name for name in names if not (work / f"{name}.safetensors").is_file()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        begun = [
            pool.submit(
                find,
                name,
                starts[name].offsets.numpy() if name in starts else None,
                work,
                network,
            )
            for name in missing
        ]
        for done in tqdm(as_completed(begun), "actions", len(begun), unit="action"):
            tqdm.write(done.result())
    numbers = {name: number for number, name in enumerate(ACTIONS)}
    found = [name for name in ACTIONS if (work / f"{name}.safetensors").is_file()]
    for name in found:
        write(ACTIONS[name], numbers[name], work)
    for name in tqdm(found, "pictures", unit="action"):  # the catalogue is read once, so: last
        picture(name, work)


if __name__ == "__main__":
    main()
