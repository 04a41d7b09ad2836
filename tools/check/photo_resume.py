"""Check that a face in the making, killed at random moments, goes on to the same file.

    python -m tools.check.photo_resume [--count 20] [--seed 0] [--size 256] [--rounds 2,2,3]

Makes a face of a generated photo once. Then, again and again, a process that makes the same one is
killed (SIGKILL) after a random part of the time that this took, and another goes on from what it
left, or begins anew where it left nothing. Prints a line for each, and ends with 1 where a file
differs.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from vjnode.cli.photo_rounds import rounds_of
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.faces.catalogue import load_face
from vjnode.faces.photo.making import Request, make_face
from vjnode.faces.photo.settings import Settings
from vjnode.faces.removal import remove_face
from vjnode.generators.latent import still
from vjnode.generators.registry import DEFAULT
from vjnode.paths import cache_dir

NAME, PERSON = "check-photo-resume", "maple"


def left() -> Path:
    """Return the file that a process that was killed leaves."""
    return cache_dir("photos") / f"{NAME}.safetensors"


def make(options: argparse.Namespace) -> None:
    """Make the face, or go on with it, and copy its file."""
    rounds, settings = rounds_of(options.rounds, options.size), Settings(saved_s=0.0)
    request = Request(
        NAME, options.photo, ("laugh",), size=options.size, rounds=rounds, settings=settings
    )
    made = make_face(request, resume=left().exists())
    options.copy.write_bytes(made.file.read_bytes())


def draw_photo(path: Path) -> None:
    """Write the photo."""
    engine = OpenVinoEngine(DEFAULT, 1024)
    cv2.imwrite(str(path), engine.draw(still(load_face(PERSON).codes))[..., 2::-1])
    engine.close()


def check(options: argparse.Namespace, folder: Path) -> bool:
    """Return whether every face that was broken off became the same file."""
    photo, copy, chance = folder / "photo.png", folder / "copy", random.Random(options.seed)
    command = [sys.executable, "-m", "tools.check.photo_resume", "--size", str(options.size)]
    command += ["--rounds", options.rounds, "--photo", str(photo), "--copy", str(copy)]
    draw_photo(photo)
    left().unlink(missing_ok=True)
    began_s = time.monotonic()
    subprocess.run(command, check=True)  # noqa: S603 - our own
    lasts_s, wanted, same = time.monotonic() - began_s, copy.read_bytes(), 0
    print(f"whole: {lasts_s:.1f} s, {len(wanted)} bytes", flush=True)
    for number in range(1, options.count + 1):
        copy.unlink()
        after_s = chance.uniform(0.0, lasts_s)
        with subprocess.Popen(command) as making:  # noqa: S603 - our own
            try:
                making.wait(after_s)
            except subprocess.TimeoutExpired:
                making.kill()
        state = f"{left().stat().st_size} bytes left" if left().exists() else "nothing left"
        subprocess.run(command, check=True)  # noqa: S603 - our own
        found = copy.read_bytes() == wanted
        same += found
        said = "the same" if found else "ANOTHER FILE"
        print(f"{number}: killed after {after_s:.1f} s, {state}: {said}", flush=True)
    print(f"{same} of {options.count} the same")
    return bool(same == options.count)


def main() -> None:
    """Check, or make one face."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.photo_resume", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", default="2,2,3")
    parser.add_argument("--photo", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--copy", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.copy is not None:
        make(options)
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            sys.exit(not check(options, Path(folder)))
    finally:
        remove_face(NAME)


if __name__ == "__main__":
    main()
