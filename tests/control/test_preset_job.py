"""Jobs of keeping presets, as hands and programs ask for them."""

import pytest

from vjnode.control.address import read_address
from vjnode.control.preset_job import read_job
from vjnode.control.state import Controls, Preset
from vjnode.errors import InputError

PRESETS = {
    "calm": Preset("calm", "ada", "laugh", {"morph": 2.0}, "soft"),
    "wild": Preset("wild", "ben", "laugh", {"gain": 3.0}),
}
ON = Controls("calm", "ada", "laugh", gain=1.5, morph=4.0, gate=-50.0)


def job(verb, *arguments):
    return read_job(read_address(f"/vjnode/preset/{verb}"), arguments, ON, PRESETS)


def test_what_is_on_is_saved_under_a_name():
    saved = job("save", "hot").preset
    assert saved == Preset("hot", "ada", "laugh", {"morph": 4.0, "gain": 1.5})
    assert job("save", "calm").preset.about == "soft"
    assert job("save", "hot").renamed == ("calm", "hot")


def test_a_button_saves_under_the_name_of_what_is_on_and_does_nothing_when_let_go():
    for pressed in ((), (1.0,), (True,), (None,)):
        assert job("save", *pressed).name == "calm"
    for verb in ("save", "rename", "delete", "move"):
        assert job(verb, 0) is None


def test_one_argument_is_meant_of_what_is_on():
    assert (job("rename", "cool").name, job("rename", "cool").new) == ("calm", "cool")
    assert (job("rename", "wild", "mad").name, job("rename", "wild", "mad").new) == ("wild", "mad")
    assert job("rename", "wild", "mad").renamed == ("wild", "mad")
    assert (job("move", 2.0).name, job("move", 2.0).number) == ("calm", 2)
    assert (job("move", "wild", "1").name, job("move", "wild", "1").number) == ("wild", 1)


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("save", ("../hot",), "cannot be the name"),
        ("save", ("next",), "means something else"),
        ("rename", ("wild", "a/b"), "cannot be the name"),
        ("rename", (1.0,), "takes NEW, or OLD NEW"),
        ("delete", (1.0,), "takes NAME"),
        ("delete", (), "takes NAME"),
        ("move", ("wild",), "not 'wild'"),
        ("move", (), "takes N, or NAME N"),
        ("save", ([1.0, 2.0],), "one value, not an array"),
    ],
)
def test_what_does_not_fit_is_refused(verb, arguments, words):
    with pytest.raises(InputError, match=words):
        job(verb, *arguments)
