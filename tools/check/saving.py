"""Kill a process while it saves presets, their order and a show's state, and cut the files off.

    python -m tools.check.saving
    python -m tools.check.saving --kills 10 --step 13

After each kill a file must hold what was there before or what was being written, whole. Cut off at
any byte but its last, it must be refused with its name, and leave presets and show as they were.
Prints a table, and exits with 1 on a miss.
"""

import argparse
import logging
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from vjnode.control.own_presets import save_preset
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.preset_order import read_order, write_order
from vjnode.control.presets import PresetShelf, read_preset
from vjnode.control.saved_state import read_state, resumed, state_text
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import InputError
from vjnode.paths import backup_of, replace_file

KILLS = 1000
LATEST_S = 0.02
"""Latest kill after a process has begun to save, s."""

HANG_S = 60.0

FACES, EXPRESSIONS = ["ada"], ["laugh"]
NUMBERS = tuple(row for row in PARAMETERS if row.glides and row.name == row.key)


def _preset(version: int) -> Preset:
    """Return another preset for each version, short and long in turns."""
    rows = NUMBERS if version % 2 else NUMBERS[:3]
    values: dict[str, float | str] = {row.name: _number(row.name, version) for row in rows}
    return Preset("hot", "ada", "laugh", values, f"{version}")


def _number(name: str, version: int) -> float:
    row = BY_NAME[name]
    return row.low + (row.high - row.low) * (version % 97) / 97


@dataclass(frozen=True)
class Kind:
    """A kind of file. save: writes a version; version_in: reads which it is."""

    name: str
    file: str
    save: Callable[[Path, int], object]
    version_in: Callable[[Path], int]


def _save_preset(path: Path, version: int) -> None:
    save_preset(_preset(version), path.parent)


def _preset_in(path: Path) -> int:
    found = read_preset(path, faces=FACES, expressions=EXPRESSIONS)
    version = int(found.about)
    if found.values.keys() != _preset(version).values.keys():
        raise InputError(f"{path} lacks something of version {version}")
    return version


def _save_order(path: Path, version: int) -> None:
    write_order(path, [*(f"name-{n}" for n in range(version % 7)), str(version)])


def _order_in(path: Path) -> int:
    return int(read_order(path)[-1])


def _save_state(path: Path, version: int) -> None:
    said = _preset(version)
    controls = Controls("hot", "ada", "laugh", **dict(said.values), safe_preset=f"v{version}")
    replace_file(path, state_text(controls, ended=False).encode())


def _state_in(path: Path) -> int:
    values, _ = read_state(path)
    return int(str(values["safe_preset"])[1:])


KINDS = (
    Kind("preset", "hot.toml", _save_preset, _preset_in),
    Kind("order", "order.toml", _save_order, _order_in),
    Kind("state", "state.json", _save_state, _state_in),
)


def _save_on_and_on(
    kind: Kind, path: Path, begun: "Synchronized[int]", done: "Synchronized[int]"
) -> None:
    while True:
        begun.value += 1
        kind.save(path, begun.value)
        done.value = begun.value


def kill_while_saving(kind: Kind, folder: Path, kills: int) -> list[str]:
    """Kill a process ``kills`` times while it saves, and return what was wrong."""
    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in ways else None)
    path, wrong = folder / kind.file, list[str]()
    kind.save(path, 0)
    begun, done = context.Value("q", 0, lock=False), context.Value("q", 0, lock=False)
    for kill in range(kills):
        before = begun.value
        saver = context.Process(target=_save_on_and_on, args=(kind, path, begun, done), daemon=True)
        saver.start()
        until_s = time.monotonic() + HANG_S
        while begun.value == before and time.monotonic() < until_s:
            time.sleep(0.0005)
        time.sleep(random.uniform(0.0, LATEST_S))
        saver.kill()
        saver.join()
        try:
            version = kind.version_in(path)
            done_then, done.value = done.value, version
            if not done_then <= version <= begun.value:
                wrong.append(f"kill {kill}: version {version}, not {done_then} to {begun.value}")
            if backup_of(path).exists():
                kind.version_in(backup_of(path).rename(folder / f"old-{kind.file}"))
        except (InputError, OSError, ValueError) as error:
            wrong.append(f"kill {kill}: {error}")
    return wrong


def cut_off(kind: Kind, folder: Path, step: int) -> tuple[int, list[str]]:
    """Cut a file off at every ``step``-th byte; return how often, and what was wrong."""
    path, wrong, cuts = folder / kind.file, list[str](), 0
    kind.save(path, 13)
    whole = path.read_bytes()
    presets = PresetShelf(
        faces=FACES, expressions=EXPRESSIONS, folders=[folder], order=folder / "order.toml"
    )
    stock, before = Stock(FACES, EXPRESSIONS), presets.presets
    controls = Controls("", "ada", "laugh")
    for length in range(0, len(whole) - 1, step):  # without its last line feed it is whole
        path.write_bytes(whole[:length])
        cuts += 1
        with suppress(InputError):
            kind.version_in(path)
            wrong.append(f"{kind.file} is taken for whole at {length} of {len(whole)} bytes")
        try:
            kind.version_in(path)
        except InputError as error:
            if kind.file not in str(error):
                wrong.append(f"{kind.file} is not named at {length} bytes: {error}")
        presets.refresh()
        if dict(presets.presets) != dict(before):
            wrong.append(f"presets are others with {kind.file} at {length} bytes")
        if kind.name == "state" and resumed(path, controls, stock, always=True) is not controls:
            wrong.append(f"something is resumed at {length} bytes")
    path.write_bytes(whole)
    return cuts, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all kinds of files, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.saving", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--kills", type=int, default=KILLS, metavar="N", help="of each kind")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="bytes between two cuts")
    options = parser.parse_args(arguments)
    logging.getLogger("vjnode").setLevel(logging.ERROR)
    missed = list[str]()
    print(f"{'file':8} {'kills':>6} {'corrupt':>8} {'cuts':>6} {'missed':>7} {'left over':>10}")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            corrupt = kill_while_saving(kind, folder, options.kills)
            left_over = len([one for one in folder.iterdir() if one.name.startswith(".")])
        with tempfile.TemporaryDirectory() as name:
            cuts, wrong = cut_off(kind, Path(name), options.step)
        print(
            f"{kind.name:8} {options.kills:6} {len(corrupt):8} {cuts:6} {len(wrong):7} "
            f"{left_over:10}"
        )
        missed += corrupt + wrong
    for text in missed[:20]:
        print(text)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
