"""Features and the thread that tells them, out of a show's memory and over loopback."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from tests.control.test_osc_out import HOST, Receiver
from tests.events import wait_for
from vjnode.audio.tempo.beat import Beat
from vjnode.control.features import FEATURES
from vjnode.control.osc_map import OscMapSender
from vjnode.control.osc_map_reader import read_map
from vjnode.control.osc_out import TOLD, OscOut
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls
from vjnode.modulation.drive import Drive
from vjnode.modulation.moment import Moment
from vjnode.output.base import UNKNOWN
from vjnode.runtime import monotonic_s
from vjnode.show.answers import Answers
from vjnode.show.features import STALLED_S, FeatureReader
from vjnode.show.messages import INFO_BYTES, pack_drive, write_info
from vjnode.show.shared_memory import ShowMemory

SIZE = 16
DRIVE = Drive(
    *(0.0, 0.0, -20.0, 0.0, True, 0, (), 0.5, 0.0, 0.1, 0.2, 0.3),
    Beat(bpm=120.0, beats=0.25, anchor_s=10.0, locked=True),
)


@pytest.fixture
def memory():
    with ShowMemory(SIZE, 1) as memory:
        yield memory


@pytest.fixture
def reader(memory):
    with closing(FeatureReader(memory, SIZE)) as reader:
        yield reader


PLAN = {"coming": "drop", "notes": "strobe", "waiting": "preset wild"}


def draw(memory, plan=None, **moment):
    info = replace(UNKNOWN, moment=Moment(**moment), **(plan or {}))
    write_info(info, memory.frame.begin())
    memory.frame.commit(INFO_BYTES + SIZE * SIZE * 4)


def test_each_beat_is_told_once_and_each_fourth_begins_a_bar(memory, reader):
    memory.drive.write(pack_drive(DRIVE))
    told = []
    for now_s in np.arange(10.0, 14.0, 1 / 60):  # to beat 8.25
        told += [(name, now_s) for name, value in reader.events(now_s) if value == 1]
    beats = [at_s for name, at_s in told if name == "beat"]
    assert beats == pytest.approx([10.375 + 0.5 * n for n in range(8)], abs=1 / 60)
    assert [at_s for name, at_s in told if name == "bar"] == [beats[3], beats[7]]


def test_a_count_that_is_corrected_tells_no_beat_twice_and_one_that_begins_anew_goes_on(
    memory, reader
):
    def told(beats, now_s):
        memory.drive.write(pack_drive(replace(DRIVE, beat=Beat(120.0, beats, now_s, locked=True))))
        return [name for name, _ in reader.events(now_s)]

    assert told(6.9, 10.0) == []
    assert told(7.02, 10.1) == ["beat"]
    assert told(6.95, 10.2) == []
    assert told(7.01, 10.3) == []
    assert told(0.1, 10.4) == []
    assert told(1.0, 10.8) == ["beat"]


def test_a_set_list_is_told_as_it_goes_on(memory, reader):
    told = ("set_coming", "set_notes", "waiting")
    now_s = monotonic_s()
    draw(memory)
    levels = dict(reader.levels(now_s))
    assert [levels[name] for name in told] == ["", "", ""]
    draw(memory, PLAN)
    levels = dict(reader.levels(now_s))
    assert [levels[name] for name in told] == [*PLAN.values()]
    draw(memory, PLAN | {"waiting": ""})
    levels = dict(reader.levels(now_s))
    assert [name for name in told if name in levels] == ["waiting"]


def test_no_beat_without_a_tempo(memory, reader):
    memory.drive.write(pack_drive(replace(DRIVE, beat=Beat())))
    assert [reader.events(now_s) for now_s in (10.0, 11.0)] == [[], []]


def test_each_onset_is_told_once_with_its_strength(memory, reader):
    hits = ((9.0, 0.25), (9.5, 0.5))
    memory.drive.write(pack_drive(replace(DRIVE, hits=hits, beat=Beat())))
    assert reader.events(10.0) == []  # of before it listened
    memory.drive.write(
        pack_drive(replace(DRIVE, hits=(*hits, (10.0, 0.75), (10.1, 1.0)), beat=Beat()))
    )
    assert reader.events(10.2) == [("onset", 0.75), ("onset", 1.0)]
    assert reader.events(10.3) == []


def test_levels_are_those_of_the_newest_frame(memory, reader):
    draw(memory, rms_db=-18.5, low=0.25, mid=0.5, high=0.75, bpm=124.0, weights=(0.5, 0, 0, 0))
    for number in range(3):
        memory.meters[0].count(
            sent_s=50.0 + number / 2, captured_s=49.9 + number / 2, late=False, repeated=False
        )
    told = dict(reader.levels(monotonic_s()))
    assert told.pop("latency") == pytest.approx(100.0)
    told.pop("fps")
    assert told == {
        "level": -18.5,
        "weight": 0.5,
        "low": 0.25,
        "mid": 0.5,
        "high": 0.75,
        "tempo": 124.0,
        "status": "live",
        **dict.fromkeys(("set_coming", "set_notes", "waiting"), ""),
    }


def test_no_feature_is_told_at_the_address_of_a_parameter():
    """A fader that sends back what it is told would set it."""
    assert not {f"/vjnode/{name}" for name in FEATURES} & {row.address for row in PARAMETERS}


def test_the_rate_is_of_the_last_second(memory, reader):
    for number in range(240):
        now_s = number / 60
        memory.meters[0].count(sent_s=now_s, captured_s=None, late=False, repeated=False)
        if number % 2:
            told = dict(reader.levels(now_s))
    assert told["fps"] == pytest.approx(60.0)


def test_the_status_is_told_when_it_changes_and_once_a_second(memory, reader):
    def status(now_s):
        return dict(reader.levels(now_s)).get("status")

    assert [status(10.0), status(10.5), status(11.0)] == ["waiting", None, "waiting"]
    draw(memory)
    now_s = memory.frame.written_s
    assert status(now_s) == "live"
    draw(memory, resting=True)
    assert status(now_s + 0.1) == "resting"
    assert status(now_s + STALLED_S + 1.0) == "stalled"


def test_every_feature_is_told_as_its_row_says(memory):
    """All of them arrive, by a thread that reads a show's memory."""
    controls = Controls("", "ada", "laugh")
    with closing(Receiver()) as receiver, closing(OscOut()) as out:
        answers = Answers(out, lambda: controls, memory, SIZE, rate=60.0)
        with closing(answers):
            out.take("/vjnode/subscribe", receiver.port, (HOST, 5555))
            wait_for(lambda: receiver.newest("status") == "waiting")
            draw(memory, PLAN, rms_db=-18.5)
            beat = Beat(bpm=300.0, anchor_s=monotonic_s(), locked=True)
            memory.drive.write(pack_drive(replace(DRIVE, beat=beat)))
            wait_for(lambda: receiver.newest("bar"))
            hits = ((monotonic_s(), 0.5),)
            memory.drive.write(pack_drive(replace(DRIVE, hits=hits, beat=beat)))
            wait_for(lambda: receiver.newest("onset"))
        got = dict(receiver.got)
        types = {"f": float, "i": int, "s": str}
        for row in FEATURES.values():
            assert type(got[f"/vjnode/{row.name}"]) is types[row.type], row.name
        assert {row.address for row in TOLD} <= got.keys()
        names = {address.removeprefix("/vjnode/") for address in got}
        assert names == {row.name for row in TOLD} | FEATURES.keys()


def test_each_feature_has_a_switch_that_works_while_the_show_runs(memory):
    controls = Controls("", "ada", "laugh")
    off = controls.with_(**{f"send/{name}": False for name in FEATURES if name != "fps"})
    now = [off]
    with (
        closing(Receiver()) as receiver,
        closing(OscOut([(HOST, receiver.port)])) as out,
        closing(Answers(out, lambda: now[0], memory, SIZE, rate=60.0)),
    ):
        wait_for(lambda: receiver.newest("fps") is not None)
        told = {name for name in FEATURES if receiver.newest(name) is not None}
        assert told == {"fps"}
        assert receiver.newest("send/low") == 0
        now[0] = controls
        wait_for(lambda: receiver.newest("low") is not None)


def test_a_map_gets_features_while_destinations_get_none(memory):
    controls = Controls("", "ada", "laugh")
    with closing(Receiver()) as mapped:
        one = read_map(f"touchdesigner,to={HOST}:{mapped.port}")
        with (
            closing(OscOut()) as out,
            closing(OscMapSender([one], lambda _: ["ada"])) as sender,
            closing(Answers(out, lambda: controls, memory, SIZE, rate=0.0, mapped=sender)),
        ):
            draw(memory, rms_db=-30.0, low=0.25)
            beat = Beat(bpm=300.0, anchor_s=monotonic_s(), locked=True)
            memory.drive.write(pack_drive(replace(DRIVE, beat=beat)))
            wait_for(lambda: ("/beat", 0.0) in mapped.got)
            wait_for(lambda: ("/low", 0.25) in mapped.got)
            mapped.got.clear()
            out.take("/vjnode/refresh", 1, (HOST, 5555))
            wait_for(lambda: ("/gain", 1.0) in mapped.got)
            wait_for(lambda: ("/face", 1.0) in mapped.got)
            assert out.summary()["sent"] == 0


def test_without_a_destination_nothing_is_told(memory):
    with closing(OscOut()) as out:
        asked = []
        answers = Answers(out, lambda: asked.append(1), memory, SIZE, rate=30.0)
        answers.close()
        assert not asked
        assert out.summary() == {"sent": 0, "failed": 0, "subscriptions": 0}
