"""Drawings of controllers are those of the mappings that ship."""

import re

import pytest

from tools.data.midi_drawings import CELL_X, LETTER, drawings, sources_of, words
from tools.data.midi_layouts import LAYOUTS
from vjnode.control.midi.mapping_files import scan_mappings
from vjnode.paths import shipped

MAPPINGS = scan_mappings([shipped("midi")])
DRAWINGS = {path.stem: (path, text) for path, text in drawings().items()}


def test_every_mapping_is_drawn():
    assert DRAWINGS.keys() == MAPPINGS.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_drawing_is_up_to_date(name):
    path, text = DRAWINGS[name]
    assert path.read_text("utf-8") == text, "run: python -m tools.data.midi_drawings"


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_control_has_its_place_and_its_name(name):
    mapping = MAPPINGS[name]
    placed = [one for block in LAYOUTS[name].blocks for one in sources_of(block, mapping)]
    assert len(placed) == len(set(placed))
    known = {(one.kind, one.number) for one in placed}
    for one in mapping.controls:
        assert (one.source.kind, one.source.number) in known, one
    assert {one.source for one in mapping.layers} <= set(placed)
    drawn = re.findall(r">([^<]+)</text>", DRAWINGS[name][1])
    for one in mapping.controls:
        assert set(words(one)) <= set(drawn)


@pytest.mark.parametrize("name", MAPPINGS)
def test_names_fit_their_cells_and_can_be_read(name):
    found = re.findall(
        r'font-size="([\d.]+)"[^>]*text-anchor="middle"[^>]*>([^<]+)<', DRAWINGS[name][1]
    )
    assert found
    for size, text in found:
        assert float(size) >= 9.0
        assert float(size) * LETTER * len(text) <= CELL_X
