"""State of a show: kept as it changes, and gone on from after a crash."""

import itertools
import json
import time
from contextlib import closing

import pytest

from tests.events import wait_for
from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS
from vjnode.control.saved_state import read_state, resumed, state_text
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import InputError, VjnodeError
from vjnode.paths import backup_of, replace_file
from vjnode.show.state_keeper import StateKeeper, check_state, kept_state

STOCK = Stock(
    ["ada", "ben"],
    ["laugh", "brows_up", "blink", "turn"],
    {"calm": Preset("calm", "ada", "laugh"), "wild": Preset("wild", "ben", "laugh")},
    {"one": SetEntry("calm"), "two": SetEntry("wild")},
)
FRESH = STOCK.fitted(Controls("calm", "ada", "laugh", gain=1.5))


def played():
    """Controls of which everything that can be is another than it comes."""
    values = {
        row.name: row.low + (row.high - row.low) / 3
        for row in PARAMETERS
        if row.kind == "float" and row.name == row.key
    }
    values |= {row.name: True for row in PARAMETERS if row.kind == "toggle"}
    values |= {row.name: row.choices[-1] for row in PARAMETERS if row.choices}
    others = {"expression/2": "none", "safe_preset": "wild", "set": "two", "tap": Firing(3, 1.0)}
    return Controls("wild", "ben", "laugh", **values, **others)


def test_a_crashed_show_is_gone_on_from_with_everything_but_what_was_fired(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(state_text(played(), ended=False), "utf-8")
    assert resumed(path, FRESH, STOCK, always=False) == played().with_(tap=Firing())


def test_one_that_ended_in_order_is_gone_on_from_when_that_is_asked_for(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(state_text(played(), ended=True), "utf-8")
    assert resumed(path, FRESH, STOCK, always=False) is FRESH
    assert resumed(path, FRESH, STOCK, always=True).number("gain") == played().number("gain")
    path.unlink()
    assert resumed(path, FRESH, STOCK, always=True) is FRESH


def test_what_is_not_there_any_more_is_as_it_would_be_and_told(tmp_path, caplog):
    path = tmp_path / "state.json"
    path.write_text(state_text(played(), ended=False), "utf-8")
    less = Stock(["ada"], STOCK.expressions, {"calm": STOCK.presets["calm"]})
    restored = resumed(path, FRESH, less, always=False)
    now = [restored.choice(name) for name in ("face", "preset", "safe_preset", "set")]
    assert now == ["ada", "calm", "stage", ""]
    assert restored.number("gain") == played().number("gain")
    assert caplog.text.count("is not resumed") == 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gain": 9.0}, "gain is not resumed"),
        ({"gain": "loud"}, "gain is not resumed"),
        ({"gian": 1.0}, "gian is not resumed"),
        ({"tap": [3, 1.0]}, "tap is not resumed"),
        ({"freeze": "yes"}, "freeze is not resumed"),
        ({"face": ["ada"]}, "face is not resumed"),
        ({"quantise": "soon"}, "quantise is not resumed"),
    ],
)
def test_a_value_that_does_not_fit_is_told_and_the_others_count(tmp_path, caplog, values, words):
    path = tmp_path / "state.json"
    said = {"face": "ben", "expression": "laugh", "curve": 2.0, **values}
    path.write_text(json.dumps({"version": 1, "ended": False, "values": said}))
    restored = resumed(path, FRESH, STOCK, always=False)
    assert restored.number("curve") == 2.0
    assert restored.number("gain") == (1.5 if "gain" in values else 1.0)
    assert words in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", '{"version": 2}', '{"version": 1}', "[" * 10000, "\x00" * 100],
    ids=str,
)
def test_a_broken_file_is_told_and_the_show_begins_as_it_would(tmp_path, caplog, text):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"state\.json"):
        read_state(path)
    assert resumed(path, FRESH, STOCK, always=True) is FRESH
    assert "nothing is resumed" in caplog.text


def test_a_file_that_is_cut_off_anywhere_is_a_broken_one(tmp_path):
    path = tmp_path / "state.json"
    whole = state_text(played(), ended=False).encode()
    for length in range(0, len(whole) - 1, 17):  # all of them: tools/check/saving.py
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"state\.json"):
            read_state(path)


class Show:
    controls = FRESH

    def newest(self):
        return self.controls


def test_it_is_written_as_it_changes_and_says_how_it_ended(tmp_path):
    path, show = tmp_path / "state.json", Show()
    path.write_text("what was there")
    with kept_state(path, show.newest):
        assert backup_of(path).read_text() == "what was there"
        assert read_state(path) == ({**FRESH.changed()}, False)
        show.controls = FRESH.with_(gain=2.5)
    values, ended = read_state(path)
    assert (values["gain"], ended) == (2.5, True)
    with pytest.raises(KeyError), kept_state(path, show.newest):
        raise KeyError("a fault")
    assert read_state(path)[1] is False
    with kept_state(None, show.newest):
        assert sorted(tmp_path.iterdir()) == [path, backup_of(path)]


def test_it_is_written_no_more_often_than_it_may(tmp_path, monkeypatch):
    show, written = Show(), []

    def write(path, data):
        written.append(time.monotonic())

    monkeypatch.setattr("vjnode.show.state_keeper.replace_file", write)
    with closing(StateKeeper(tmp_path / "state.json", show.newest, period_s=0.1)):
        while len(written) < 3:
            show.controls = show.controls.with_(gain=time.monotonic() % 4.0)
            time.sleep(0.001)
    gaps = [b - a for a, b in itertools.pairwise(written[:3])]  # the last is that of its end
    assert min(gaps) >= 0.1


def test_a_file_that_cannot_be_written_is_an_error_at_first_and_a_warning_later(
    tmp_path, monkeypatch, caplog
):
    with pytest.raises(VjnodeError, match=r"nowhere.state\.json cannot be written"):
        StateKeeper(tmp_path / "nowhere" / "state.json", Show().newest)
    with pytest.raises(VjnodeError, match=r"nowhere.state\.json cannot be written"):
        check_state(tmp_path / "nowhere" / "state.json")
    check_state(tmp_path / "state.json")
    assert not [*tmp_path.iterdir()]
    show, full = Show(), [OSError(28, "No space left on device")] * 2
    path = tmp_path / "state.json"

    def write(path, data):
        if full:
            raise full.pop()
        replace_file(path, data)

    monkeypatch.setattr("vjnode.show.state_keeper.replace_file", write)
    with closing(StateKeeper(path, show.newest, period_s=0.02)):
        show.controls = FRESH.with_(gain=3.0)
        wait_for(lambda: read_state(path)[0]["gain"] == 3.0)
    assert caplog.text.count("No space left") == 1
