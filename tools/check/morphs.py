"""Interrupt morphs at random, and measure the steps that the parameters make.

    python -m tools.check.morphs
    python -m tools.check.morphs --interruptions 40 --seed 7

Recalls of presets, faces and entries of a set list, panics, and faders, each in the middle of what
came before. At an interruption no number may jump; between two ticks none may go further than the
fastest part of its glide. Prints a table, and exits with 1 on a miss.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from vjnode.control.address import read_address
from vjnode.control.counting import Count
from vjnode.control.desk import Desk
from vjnode.control.glide import EASINGS, steepest
from vjnode.control.parameters import PARAMETERS, QUANTISE
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Controls, Preset, Stock

INTERRUPTIONS = 200
TICK_S = 1 / 60
BPM = 128.0
ROUNDING = 1e-9

ROWS = tuple(row for row in PARAMETERS if row.glides and row.name == row.key)
FACES = [f"face-{number}" for number in range(6)]


@dataclass
class Steps:
    """Steps of numbers. jump: largest at an interruption. worst: largest, of what was allowed."""

    interruptions: int = 0
    ticks: int = 0
    glides: int = 0
    jump: float = 0.0
    worst: float = 0.0
    missed: list[str] = field(default_factory=list)


def stock(dice: random.Random) -> Stock:
    """Return presets of which each sets every number to anything."""
    presets = {
        f"preset-{number}": Preset(
            f"preset-{number}",
            dice.choice(FACES),
            "laugh",
            {row.name: dice.uniform(row.low, row.high) for row in ROWS},
        )
        for number in range(8)
    }
    entries = {name: SetEntry(name, morph_bars=dice.choice([0.5, 1.0, 2.0])) for name in presets}
    return Stock(FACES, ["laugh"], presets, entries)


def interrupt(desk: Desk, dice: random.Random, now_s: float) -> set[str]:
    """Do something in the middle of whatever is; return the keys that a hand may move at once."""
    acts: list[tuple[str, object]] = [
        ("preset/random", 1.0),
        ("preset", float(dice.randint(1, 8))),
        ("face/random", 1.0),
        ("set", float(dice.randint(1, 8))),
        ("set/next", 1.0),
        ("panic", 1.0),
        ("easing", dice.choice(EASINGS)),
        ("quantise", dice.choice(QUANTISE)),
        ("morph", dice.uniform(0.05, 3.0)),
        ("morph_bars", dice.choice([0.0, 0.0, 1.0, 2.0])),
    ]
    row = dice.choice(ROWS)
    acts += [(row.name, dice.uniform(row.low, row.high)), (f"{row.name}/norm", dice.random())] * 2
    name, value = dice.choice(acts)
    resting = (
        now_s >= desk.controls.glides[row.key].ends_s if row.key in desk.controls.glides else True
    )
    desk.perform(read_address(f"/vjnode/{name}"), value, now_s, count(now_s))
    return {row.key} if name.startswith(row.name) and resting else set()


def count(now_s: float) -> Count:
    """Return the count of beats at a moment."""
    beats = now_s * BPM / 60.0
    return Count(beats, beats / 4.0, 60.0 / BPM, 240.0 / BPM)


def numbers(controls: Controls, now_s: float) -> dict[str, float]:
    """Return what is in effect at a moment."""
    now = controls.at(now_s)
    return {row.key: now.number(row.key) for row in ROWS}


def check(interruptions: int, seed: int) -> Steps:
    """Interrupt so often, and return what was measured."""
    dice, found = random.Random(seed), Steps()
    desk = Desk(Controls("", FACES[0], "laugh", morph=2.0), stock(dice))
    now_s = 0.0
    until_s = dice.uniform(0.05, 1.5)
    while found.interruptions < interruptions:
        before = desk.controls
        now_s += TICK_S
        found.ticks += 1
        _check_tick(found, before, now_s)
        desk.step(now_s, count(now_s))
        by_hand = set[str]()
        if now_s >= until_s:
            by_hand = interrupt(desk, dice, now_s)
            found.interruptions += 1
            until_s = now_s + dice.uniform(0.0, 1.5)
        if desk.controls is not before:
            _check_jump(found, before, desk.controls, now_s, by_hand)
    return found


def _check_tick(found: Steps, controls: Controls, now_s: float) -> None:
    """Compare the steps of the last tick with the fastest parts of the glides."""
    earlier, later = numbers(controls, now_s - TICK_S), numbers(controls, now_s)
    for key, at in later.items():
        step, glide = abs(at - earlier[key]), controls.glides.get(key)
        allowed = 0.0
        if glide is not None:
            rate = steepest(glide.way.easing) / glide.way.over_s
            allowed = rate * abs(controls.number(key) - glide.start) * TICK_S
            found.glides += step > 0.0
        if step > allowed + ROUNDING:
            found.missed.append(f"{key} steps by {step:g} at {now_s:.3f} s; {allowed:g} is allowed")
        if allowed > ROUNDING:
            found.worst = max(found.worst, step / allowed)


def _check_jump(
    found: Steps, before: Controls, after: Controls, now_s: float, by_hand: set[str]
) -> None:
    """Compare what is in effect before and after a change at one moment."""
    old, new = numbers(before, now_s), numbers(after, now_s)
    for key in old.keys() - by_hand:
        jump = abs(new[key] - old[key])
        found.jump = max(found.jump, jump)
        if jump > ROUNDING:
            found.missed.append(f"{key} jumps by {jump:g} at {now_s:.3f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.morphs", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--interruptions", type=int, default=INTERRUPTIONS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what is done")
    options = parser.parse_args(arguments)
    found = check(options.interruptions, options.seed)
    print(f"interruptions        {found.interruptions}")
    print(f"ticks of 1/60 s      {found.ticks}")
    print(f"steps of glides      {found.glides}")
    print(f"largest jump         {found.jump:g}")
    print(f"largest step         {found.worst:.4f} of what its glide allows")
    print(f"missed               {len(found.missed)}")
    for text in found.missed[:20]:
        print(text)
    return 1 if found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
