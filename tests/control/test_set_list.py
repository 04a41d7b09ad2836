import pytest

from vjnode.control.set_list import SetEntry, read_set_list
from vjnode.errors import InputError

PRESETS = ["calm", "wild"]
GOOD = """version = 1
[[entry]]
preset = "calm"
name = "opening"
notes = "house lights down"
bars = 32
[[entry]]
preset = "WILD"
morph_bars = 2
[[entry]]
preset = 1
morph = 0.5
seconds = 90
[[entry]]
preset = "wild"
"""


def test_entries_have_names_of_their_own_in_their_order(tmp_path):
    path = tmp_path / "set.toml"
    path.write_text(GOOD)
    assert read_set_list(path, PRESETS) == {
        "opening": SetEntry("calm", "house lights down", bars=32.0),
        "wild": SetEntry("wild", morph_bars=2.0),
        "calm": SetEntry("calm", morph_s=0.5, seconds=90.0),
        "wild-2": SetEntry("wild"),
    }
    assert list(read_set_list(path, PRESETS)) == ["opening", "wild", "calm", "wild-2"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version = 1"),
        ("version = 1", "an .*entry"),
        ("version = 1\nentry = []", "an .*entry"),
        ("version = 1\nentry = [3]", "entry 1 .*no table"),
        ("not toml", "cannot be read"),
        (GOOD.replace("WILD", "mild"), "entry 2 .*no preset 'mild'.*calm, wild"),
        (GOOD.replace("bars = 32", "bars = 0"), "entry 1 .*bars takes a number from 1 to 9999"),
        (GOOD.replace("bars = 32", "bars = inf"), "bars takes a number"),
        (GOOD.replace("bars = 32", "bras = 32"), "unknown key 'bras'.*bars"),
        (GOOD.replace("bars = 32", "bars = 2\nseconds = 3"), "leave one of them out"),
        (GOOD.replace("morph = 0.5", "morph = 31"), "entry 3 .*morph takes a number from 0 to 30"),
        (GOOD.replace("opening", "next"), "means something else"),
        (GOOD.replace("opening", "7"), "means something else"),
        (GOOD.replace("opening", "../x"), "cannot be the name of an entry"),
        (GOOD + 'name = "opening"', "entry 4 .*'opening' already"),
        ('version = 1\n[[entry]]\nnotes = "x"', "does not name its preset"),
    ],
)
def test_mistakes_are_named_with_the_entry(tmp_path, text, why):
    path = tmp_path / "set.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        read_set_list(path, PRESETS)


def test_a_list_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml cannot be read"):
        read_set_list(tmp_path / "none.toml", PRESETS)
