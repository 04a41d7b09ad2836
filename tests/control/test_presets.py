import pytest

from vjnode.control.presets import read_preset, scan_presets
from vjnode.control.state import Controls, Preset
from vjnode.errors import InputError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.paths import shipped

NAMES = {"faces": ["ada", "ben"], "expressions": ["laugh"]}
GOOD = 'version = 1\nabout = "soft"\nface = "ben"\nexpression = "laugh"\ngain = 1.5\n'


def test_a_preset_file_becomes_controls(tmp_path):
    (tmp_path / "soft.toml").write_text(GOOD)
    preset = read_preset(tmp_path / "soft.toml", **NAMES)
    assert preset == Preset("soft", "ben", "laugh", {"gain": 1.5}, "soft")


def test_a_preset_of_another_generator_is_left_out_and_is_no_mistake(tmp_path, caplog):
    for name, face in (("soft", "ben"), ("cloud", "ember")):
        (tmp_path / f"{name}.toml").write_text(GOOD.replace("ben", face))
    found = scan_presets(**NAMES, other_faces={"ember"}, folders=[tmp_path])
    assert list(found) == ["soft"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version = 1"),
        ("not toml", "cannot be read"),
        (GOOD.replace("version = 1", "version = 2"), "not 2"),
        (GOOD.replace("ben", "bne"), "did you mean 'ben'"),
        (GOOD.replace('"ben"', '["ben"]'), "no face"),
        (GOOD.replace("1.5", "9.0"), "from 0 to 4"),
        (GOOD.replace('face = "ben"\n', ""), "does not name its face"),
        (GOOD + "gian = 2.0\n", "unknown key 'gian'.*gain"),
        (GOOD + "tap = 1\n", "unknown key 'tap'"),
        (GOOD + "tap_count = 1\n", "unknown key 'tap_count'"),
        (GOOD + "blackout = 1\n", "unknown key 'blackout'"),
        (GOOD + 'preset = "soft"\n', "unknown key 'preset'"),
        (GOOD + "bpm = 10\n", "from 30 to 300"),
        (GOOD + 'agc = "maybe"\n', "off, on, freeze"),
        (GOOD + "attack = true\n", "attack takes a number"),
        (GOOD + "[gain]\n", "gain takes a number|cannot be read"),
        (GOOD + "[route.expression.beat]\namount = 3.0\n", "from -1 to 2"),
        (GOOD + "[route.expression.bass]\namount = 1.0\n", "'route.expression.bass.amount'"),
        (GOOD + "[route.expression]\nbeat = 1.0\n", "'route.expression.beat'"),
        (GOOD + "[route.ears.beat]\namount = 1.0\n", "route.CHANNEL.SOURCE"),
        (GOOD + "attack = 1.0\n[route.expression.weight]\nattack = 0.1\n", "the same as 'attack'"),
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


def test_routes_are_tables(tmp_path):
    (tmp_path / "beat.toml").write_text(
        GOOD + "[route.expression]\nweight.amount = 0.0\nbeat = { amount = 1, release = 0.2 }\n"
    )
    assert read_preset(tmp_path / "beat.toml", **NAMES).values == {
        "gain": 1.5,
        "route/expression/weight/amount": 0.0,
        "route/expression/beat/amount": 1.0,
        "route/expression/beat/release": 0.2,
    }


def test_those_that_ship_are_good_and_differ_in_how_they_follow(caplog):
    found = scan_presets(faces=face_names(), expressions=expression_names(), folders=[shipped()])
    assert len(found) == 8
    assert {"stage", "dream", "riot", "pulse"} <= found.keys()
    assert not caplog.records
    for named in ("face", "expression", "about"):  # so that they are told apart at a glance
        assert len({getattr(preset, named) for preset in found.values()}) == len(found), named
    start = Controls("", "", "")
    on = {name: preset.applied(start) for name, preset in found.items()}
    accents = [on[name].number("accent") for name in ("dream", "stage", "riot")]
    assert accents == sorted(set(accents))
    assert on["pulse"].number("route/expression/beat/amount") > 0
    assert all(one.number("bpm") == 0.0 and one.choice("agc") == "on" for one in on.values())
