"""Draw the layout of every controller that has a mapping, with what each of its controls does.

    python -m tools.data.midi_drawings

It writes ``tools/readme/midi/NAME.svg`` for each mapping in ``presets/midi``, which docs/midi.md
shows.
"""

import argparse
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from tools.data.midi_layouts import HEIGHTS, LAYOUTS, Block, Layout, Shape
from vjnode.control.midi.mapping import Control
from vjnode.control.midi.mapping import Mapping as MidiMapping
from vjnode.control.midi.mapping_files import scan_mappings
from vjnode.control.midi.mapping_reader import read_sources
from vjnode.control.midi.message import Source
from vjnode.paths import shipped

FOLDER = Path(__file__).parents[1] / "readme" / "midi"

CELL_X, CELL_Y, GAP = 92.0, 46.0, 8.0
"""Size of a cell and the space around each control in it, px."""

EDGE, HEAD, FOOT = 24.0, 76.0, 48.0
"""Space at the sides, above and below the controls, px."""

IN_LAYER = 0.8
"""Height of the name that a control has in a layer, in cells."""

LETTER = 0.56
"""Width of a letter on average, in sizes of the font."""

BODY, PLATE, EMPTY, TEXT, DIM = "#14161b", "#20242c", "#2e333d", "#f1f3f6", "#a9b1bf"

COLOURS = {
    "preset": "#e8a33d",
    "face": "#4fb477",
    "expression": "#d9c84a",
    "tempo": "#c678dd",
    "hands on the picture": "#e0565b",
    "response": "#5aa2e0",
}
"""Colours by what a control is for."""

_TEMPO = {"tap", "halve", "double", "resync", "bpm", "beat_source"}
_HANDS = {"freeze", "neutral", "blackout", "panic"}


def purpose(control: Control) -> str:
    """Return what a control is for, as ``COLOURS`` has it."""
    name = control.act.parameter.name
    if name in _TEMPO:
        return "tempo"
    if name in _HANDS:
        return "hands on the picture"
    first = name.partition("/")[0]
    return first if first in COLOURS else "response"


def words(control: Control) -> tuple[str, ...]:
    """Return the name of what a control does, in one line or two."""
    row, verb = control.act.parameter, control.act.verb
    parts = row.name.split("/")
    if parts[0] == "route":
        channel = parts[2] if parts[2].isdigit() else "1"
        source = parts[3] if parts[2].isdigit() else parts[2]
        return source, f"→ channel {channel}"
    if parts[0] == "channel":
        return f"channel {parts[1]}", parts[2]
    name = row.name.replace("/", " ").replace("_", " ")
    if verb != "set":
        return name, {"previous": "◂ back", "next": "next ▸"}.get(verb, control.act.choice or verb)
    if control.mode == "value":
        shown = control.value if isinstance(control.value, str) else f"{control.value:g}"
        return (f"{name} {shown}",)
    first, _, second = name.partition(" ")
    return (first, second) if second and row.kind != "choice" else (name,)


def drawn(mapping: MidiMapping, layout: Layout) -> str:
    """Return the drawing, as SVG."""
    across, down = _size(mapping, layout)
    width = 2 * EDGE + across * CELL_X
    height = HEAD + down * CELL_Y + FOOT
    controls = {(one.source, one.layer): one for one in mapping.controls}
    layers = {button.source: button.name for button in mapping.layers}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">",
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="14" fill="{BODY}"/>',
        _text(EDGE, 34, layout.name, 19, TEXT, weight=600, anchor="start"),
    ]
    for block in layout.blocks:
        lines += _block(block, sources_of(block, mapping), controls, layers)
    lines += _key({purpose(one) for one in mapping.controls}, height - 18)
    return "\n".join([*lines, "</svg>", ""])


def sources_of(block: Block, mapping: MidiMapping) -> list[Source]:
    """Return the sources of a block's controls, in their order."""
    channels = [one.source.channel for one in mapping.controls]
    own = max(set(channels), key=channels.count)
    return list(read_sources({"on": list(block.on), "channel": block.channel or own}, own))


def _size(mapping: MidiMapping, layout: Layout) -> tuple[float, float]:
    """Return how many cells a layout takes across and down."""
    across = down = 0.0
    for block in layout.blocks:
        found = len(sources_of(block, mapping))
        columns = block.columns or found
        wide = 2 if block.shape == "crossfader" else min(columns, found)
        high = -(-found // columns) * HEIGHTS[block.shape] + (IN_LAYER if block.layer else 0.0)
        across = max(across, block.at[0] + wide)
        down = max(down, block.at[1] + high)
    return across, down


def _block(
    block: Block,
    found: list[Source],
    controls: Mapping[tuple[Source, str], Control],
    layers: Mapping[Source, str],
) -> Iterator[str]:
    left, top = EDGE + block.at[0] * CELL_X, HEAD + block.at[1] * CELL_Y
    columns = block.columns or len(found)
    if block.name:
        yield _text(left + GAP / 2, top - 4, block.name, 9.5, DIM, anchor="start", spacing=0.6)
    for place, source in enumerate(found):
        x = left + place % columns * CELL_X
        y = top + place // columns * HEIGHTS[block.shape] * CELL_Y
        control = controls.get((source, ""))
        other = controls.get((source, block.layer)) if block.layer else None
        yield from _shape(block.shape, x, y, control, layers.get(source, ""))
        if other is not None:
            yield from _other(block, x, y, other)


def _shape(shape: Shape, x: float, y: float, control: Control | None, layer: str) -> Iterator[str]:
    middle = x + CELL_X / 2
    colour = COLOURS[purpose(control)] if control is not None else EMPTY
    plate = PLATE if control is not None or layer else BODY
    said = words(control) if control is not None else (("hold",) if layer else ())
    if shape in ("pad", "button"):
        high = HEIGHTS[shape] * CELL_Y - GAP
        edge = DIM if layer else colour
        yield (
            f'<rect x="{x + GAP / 2:g}" y="{y + GAP / 2:g}" width="{CELL_X - GAP:g}" '
            f'height="{high:g}" rx="{6 if shape == "pad" else 4}" fill="{plate}" '
            f'stroke="{edge}" stroke-width="1.6"/>'
        )
        yield from _lines(middle, y + GAP / 2 + high / 2, said)
        return
    if shape == "knob":
        yield (
            f'<circle cx="{middle:g}" cy="{y + 17:g}" r="12" fill="{plate}" stroke="{colour}" '
            f'stroke-width="2.4"/><path d="M{middle:g} {y + 16:g}v-8" stroke="{colour}" '
            'stroke-width="2.4" stroke-linecap="round"/>'
        )
        yield from _lines(middle, y + 45, said)
        return
    if shape == "fader":
        yield (
            f'<path d="M{middle:g} {y + 8:g}v62" stroke="{EMPTY}" stroke-width="5" '
            f'stroke-linecap="round"/><rect x="{middle - 17:g}" y="{y + 28:g}" width="34" '
            f'height="14" rx="3" fill="{plate}" stroke="{colour}" stroke-width="2"/>'
        )
        yield from _lines(middle, y + 90, said)
        return
    yield (
        f'<path d="M{x + 12:g} {y + 17:g}h{2 * CELL_X - 24:g}" stroke="{EMPTY}" stroke-width="5" '
        f'stroke-linecap="round"/><rect x="{x + CELL_X - 7:g}" y="{y + 2:g}" width="14" '
        f'height="30" rx="3" fill="{plate}" stroke="{colour}" stroke-width="2"/>'
    )
    yield from _lines(x + CELL_X, y + 45, said)


def _other(block: Block, x: float, y: float, control: Control) -> Iterator[str]:
    """Yield the name that a control has in a layer, below its own."""
    below = y + (HEIGHTS[block.shape] + IN_LAYER / 2) * CELL_Y - 3
    yield from _lines(x + CELL_X / 2, below, words(control), colour=COLOURS[purpose(control)])


def _lines(x: float, y: float, said: tuple[str, ...], *, colour: str = TEXT) -> Iterator[str]:
    """Yield lines of text about a middle, as large as fits a cell."""
    for number, line in enumerate(said):
        size = min(12.0, (CELL_X - GAP - 6) / LETTER / max(len(line), 1))
        down = (number - (len(said) - 1) / 2) * 13.5
        yield _text(x, y + down + 4, line, size, colour)


def _text(
    x: float,
    y: float,
    text: str,
    size: float,
    colour: str,
    *,
    weight: int = 400,
    anchor: str = "middle",
    spacing: float = 0.0,
) -> str:
    more = f' font-weight="{weight}"' if weight != 400 else ""
    more += f' letter-spacing="{spacing}"' if spacing else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:.1f}" fill="{colour}" '
        f'text-anchor="{anchor}"{more}>{escape(text)}</text>'
    )


def _key(used: set[str], y: float) -> Iterator[str]:
    x = EDGE
    for name, colour in COLOURS.items():
        if name in used:
            yield f'<rect x="{x:g}" y="{y - 10:g}" width="11" height="11" rx="3" fill="{colour}"/>'
            yield _text(x + 17, y, name, 12, DIM, anchor="start")
            x += 42 + len(name) * 12 * LETTER


def drawings() -> dict[Path, str]:
    """Return every drawing by the file that it belongs in."""
    mappings = scan_mappings([shipped("midi")])
    return {FOLDER / f"{name}.svg": drawn(one, LAYOUTS[name]) for name, one in mappings.items()}


def main() -> None:
    """Write the drawings."""
    argparse.ArgumentParser(
        prog="python -m tools.data.midi_drawings", description=__doc__.splitlines()[0]
    ).parse_args()
    FOLDER.mkdir(exist_ok=True)
    for path, text in drawings().items():
        path.write_text(text, "utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main()
