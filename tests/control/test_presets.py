import pytest

from vjnode.control.controls import Preset
from vjnode.control.presets import read_preset, scan_presets
from vjnode.errors import InputError

NAMES = {"faces": ["ada", "ben"], "expressions": ["laugh"]}
GOOD = 'version = 1\nabout = "soft"\nface = "ben"\nexpression = "laugh"\ngain = 1.5\n'


def test_a_preset_file_becomes_controls(tmp_path):
    (tmp_path / "soft.toml").write_text(GOOD)
    preset = read_preset(tmp_path / "soft.toml", **NAMES)
    assert preset == Preset("soft", "ben", "laugh", {"gain": 1.5}, "soft")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version = 1"),
        ("not toml", "cannot be read"),
        (GOOD.replace("version = 1", "version = 2"), "not 2"),
        (GOOD.replace("ben", "bne"), "did you mean 'ben'"),
        (GOOD.replace("1.5", "9.0"), "from 0 to 4"),
        (GOOD.replace('face = "ben"\n', ""), "does not name its face"),
        (GOOD + "gian = 2.0\n", "unknown key 'gian'"),
    ],
)
def test_mistakes_are_named(tmp_path, text, why):
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(InputError, match=why):
        read_preset(tmp_path / "p.toml", **NAMES)


def test_a_broken_file_is_left_out_and_the_others_stay(tmp_path, caplog):
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    assert list(scan_presets(**NAMES, folders=[tmp_path])) == ["good"]
    assert "bad.toml" in caplog.text


def test_the_users_folder_wins(tmp_path):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for folder, gain in ((shipped, "1.5"), (own, "3.0")):
        folder.mkdir()
        (folder / "soft.toml").write_text(GOOD.replace("1.5", gain))
    assert scan_presets(**NAMES, folders=[shipped, own])["soft"].values == {"gain": 3.0}
