"""Presets of the user's: what is saved comes back, and nothing else is touched."""

import pytest

from vjnode.control.own_presets import (
    captured,
    delete_preset,
    move_preset,
    preset_text,
    rename_preset,
    save_preset,
)
from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS
from vjnode.control.preset_order import read_order
from vjnode.control.presets import PresetShelf, allowed, read_preset
from vjnode.control.state import Controls, Preset
from vjnode.errors import InputError, VjnodeError

NAMES = {"faces": ["ada", "ben"], "expressions": ["laugh", "brows_up", "blink", "turn"]}


@pytest.fixture
def shelf(tmp_path):
    """Two presets that ship, and a folder for one's own."""
    for name, gain in (("calm", 0.5), ("wild", 3.0)):
        path = tmp_path / "ships" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(preset_text(Preset(name, "ada", "laugh", {"gain": gain})))
    (tmp_path / "own").mkdir()
    return PresetShelf(
        **NAMES, folders=[tmp_path / "ships", tmp_path / "own"], order=tmp_path / "order.toml"
    )


def moved():
    """Controls of which every number and name is another than it comes."""
    values = {}
    for row in PARAMETERS:
        if row.kind == "float" and row.name == row.key:
            values[row.name] = row.low + (row.high - row.low) / 3
        if row.choices:
            values[row.name] = next(one for one in row.choices if one != row.default)
    channels = {f"expression/{number}": "laugh" for number in (2, 3, 4)}
    return Controls("", "ben", "laugh", **{**values, **channels})


def test_what_is_saved_comes_back_whole(tmp_path):
    every = [row.name for row in allowed()]
    saved = captured(moved(), "all", about='"quoted" ü\n\x7f', named=every)
    save_preset(saved, tmp_path)
    back = read_preset(tmp_path / "all.toml", **NAMES)
    assert back.about == '"quoted" ü'
    assert set(back.values) >= {r.name for r in allowed() if r.kind == "float" and r.name == r.key}
    one, other = (it.applied(Controls("", "ada", "laugh")) for it in (saved, back))
    for row in PARAMETERS:
        if row.kind == "float":
            assert other.number(row.name) == pytest.approx(one.number(row.name), rel=1e-6)
        elif row.kind == "choice" and row.name != "preset":
            assert other.choice(row.name) == one.choice(row.name)


def test_what_belongs_to_the_room_stays_out_unless_it_is_named():
    controls = moved().with_(blackout=True, tap=Firing(3, 1.0))
    assert not {"gate", "bpm", "morph", "blackout", "tap"} & set(captured(controls, "x").values)
    assert captured(controls, "x", named=["morph"]).values["morph"] == 10.0


def test_as_it_comes_only_the_look_is_written():
    assert captured(Controls("", "ada", "laugh"), "x").values == {}


def test_one_of_the_users_stands_for_a_shipped_one_until_it_is_deleted(shelf, tmp_path):
    save_preset(Preset("wild", "ben", "laugh", {"gain": 1.5}), tmp_path / "own")
    assert shelf.refresh()
    assert shelf.presets["wild"].values == {"gain": 1.5}
    delete_preset("wild", tmp_path / "own")
    assert shelf.refresh()
    assert shelf.presets["wild"].values == {"gain": 3.0}
    assert not shelf.refresh()
    with pytest.raises(InputError, match="not a preset of your own"):
        delete_preset("wild", tmp_path / "own")


def test_what_was_there_before_is_kept(tmp_path):
    for gain in (1.0, 2.0):
        save_preset(Preset("hot", "ada", "laugh", {"gain": gain}), tmp_path)
    assert "gain = 2.0" in (tmp_path / "hot.toml").read_text()
    assert "gain = 1.0" in (tmp_path / "hot.toml.bak").read_text()
    delete_preset("hot", tmp_path)
    assert "gain = 2.0" in (tmp_path / "hot.toml.bak").read_text()


def test_presets_have_places_and_keep_them(shelf, tmp_path):
    order = tmp_path / "order.toml"
    save_preset(Preset("hot", "ada", "laugh"), tmp_path / "own")
    shelf.refresh()
    assert list(shelf.presets) == ["calm", "hot", "wild"]
    move_preset("wild", 1, shelf.presets, order)
    shelf.refresh()
    assert list(shelf.presets) == ["wild", "calm", "hot"]
    rename_preset("hot", "ace", shelf.presets, tmp_path / "own", order)
    shelf.refresh()
    assert list(shelf.presets) == ["wild", "calm", "ace"]
    move_preset("ace", 2, shelf.presets, order)
    save_preset(Preset("bold", "ada", "laugh"), tmp_path / "own")
    shelf.refresh()
    assert list(shelf.presets) == ["wild", "ace", "calm", "bold"]
    for name, number in (("wild", 5), ("wild", 0), ("nobody", 1)):
        with pytest.raises(InputError, match=r"from 1 to 4|calm"):
            move_preset(name, number, shelf.presets, order)


def test_no_name_becomes_part_of_a_path(shelf, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    for name in ("../hot", "a/b", "", ".", "con", "Hot", "save", "7", "x" * 33, "a\n", "hot.toml"):
        with pytest.raises(InputError, match="cannot be the name of a preset"):
            save_preset(Preset(name, "ada", "laugh"), tmp_path / "own")
        with pytest.raises(InputError, match="not a preset of your own"):
            rename_preset(name, "hot", shelf.presets, tmp_path / "own", tmp_path / "order.toml")
        with pytest.raises(InputError, match="not a preset of your own"):
            delete_preset(name, tmp_path / "own")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_that_is_taken_is_refused(shelf, tmp_path):
    save_preset(Preset("hot", "ada", "laugh"), tmp_path / "own")
    shelf.refresh()
    with pytest.raises(InputError, match="there is a preset 'wild' already"):
        rename_preset("hot", "wild", shelf.presets, tmp_path / "own", tmp_path / "order.toml")


def test_a_file_that_breaks_leaves_its_preset_as_it_was(shelf, tmp_path, caplog):
    path = tmp_path / "own" / "hot.toml"
    save_preset(Preset("hot", "ada", "laugh", {"gain": 2.0}), path.parent)
    shelf.refresh()
    path.write_bytes(b"gain = \xff")
    assert shelf.refresh()
    assert shelf.presets["hot"].values == {"gain": 2.0}
    assert "preset left as it was" in caplog.text
    assert "hot.toml" in caplog.text
    path.unlink()
    shelf.refresh()
    path.write_bytes(b"gain = \xff")
    shelf.refresh()
    assert "hot" not in shelf.presets


@pytest.mark.parametrize(
    "text",
    [
        "version = 1\n" + "a." * 5000 + "b = 1",
        "version = 1\nface = 'ada'\nexpression = 'laugh'\ngain = " + "9" * 400,
        "version = 1\nface = 'ada'\nexpression = 'laugh'\ngain = " + "9" * 5000,
        "x = " + "[" * 5000,
    ],
    ids=["deep", "large", "larger", "nested"],
)
def test_a_hostile_file_is_left_out_as_any_other(shelf, tmp_path, caplog, text):
    (tmp_path / "own" / "bad.toml").write_text(text)
    assert shelf.refresh()
    assert list(shelf.presets) == ["calm", "wild"]
    assert "bad.toml" in caplog.text


def test_a_bad_file_is_told_once(shelf, tmp_path, caplog):
    (tmp_path / "own" / "bad.toml").write_text("gain")
    shelf.refresh()
    assert caplog.text.count("bad.toml") == 1
    save_preset(Preset("hot", "ada", "laugh"), tmp_path / "own")
    shelf.refresh()
    again = PresetShelf(**NAMES, folders=[tmp_path / "own"], order=tmp_path / "x", told=True)
    assert list(again.presets) == ["hot"]
    assert caplog.text.count("bad.toml") == 1


def test_a_broken_order_leaves_the_order_as_it_was(shelf, tmp_path, caplog):
    order = tmp_path / "order.toml"
    move_preset("wild", 1, shelf.presets, order)
    shelf.refresh()
    order.write_text('order = ["calm"')
    assert shelf.refresh()
    assert list(shelf.presets) == ["wild", "calm"]
    assert "order.toml" in caplog.text


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    save_preset(captured(moved(), "hot", named=["morph"]), tmp_path)
    path, order = tmp_path / "hot.toml", tmp_path / "order.toml"
    whole = path.read_bytes()
    step = 41  # all of them: tools/check/saving.py
    for length in (*range(0, len(whole) - 1, step), len(whole) - 2):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"hot\.toml"):
            read_preset(path, **NAMES)
    move_preset("hot", 1, {"hot": Preset("hot", "ada", "laugh")}, order)
    whole = order.read_bytes()
    for length in range(len(whole) - 1):
        order.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"order\.toml"):
            read_order(order)


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(VjnodeError, match=r"hot\.toml cannot be written"):
        save_preset(Preset("hot", "ada", "laugh"), tmp_path / "file")
