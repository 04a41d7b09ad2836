"""The audio process without a sound."""

from itertools import pairwise

import pytest

from vjnode.audio.sources.base import BLOCK_S
from vjnode.errors import SourceError
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.stages import audio as audio_stage
from vjnode.show.stages.audio import OPENING_S, RETRY_S, SLOW_RETRY_S, retry_after_s, run_audio


def test_a_missing_device_is_tried_less_and_less_often():
    now_s, tries = 0.0, []
    while now_s < 3600.0:
        tries.append(now_s)
        now_s += retry_after_s(now_s)
    # Soon after it went it is found at once; for hours nobody is bothered.
    assert sum(one < 2.0 for one in tries) >= 2.0 / RETRY_S
    assert retry_after_s(8.0) < 1.0
    late = [one for one in tries if one >= 60.0]
    assert len(late) <= 3540.0 / SLOW_RETRY_S + 1
    assert max(b - a for a, b in pairwise(tries)) == SLOW_RETRY_S == 2.0


class Stage:
    """The audio process on a clock of its own, in which playing and opening take their time."""

    def __init__(self, monkeypatch, *, opening_s=0.0, ends_s=30.0):
        self.now_s, self.ends_s = 1000.0, 1000.0 + ends_s
        self.tries = []
        self.ended_s = []
        self._opening_s = opening_s
        monkeypatch.setattr(audio_stage, "monotonic_s", lambda: self.now_s)
        monkeypatch.setattr(audio_stage, "Paced", self._paced)
        monkeypatch.setattr(audio_stage, "open_source", self._open)

    def hear(self, audio, **options):
        with ShowMemory(64, 1) as memory:
            try:
                run_audio(self, memory.names, audio, **options)
            finally:
                self.ended_s.append(self.now_s)

    def ready(self, about):
        self.about = about

    def expect_within(self, stall_s):
        pass

    def wait_for_begin(self):
        return self.now_s

    def running(self):
        return self.now_s < self.ends_s

    def _paced(self, source):
        read = source.read

        def read_in_time():
            self.now_s += BLOCK_S
            return read()

        source.read = read_in_time
        return source

    def _open(self, audio, *, live):
        begun_s, self.now_s = self.now_s, self.now_s + self._opening_s
        self.tries.append((begun_s, self.now_s))
        raise SourceError("there is no such input")


def test_between_two_openings_that_take_long_there_is_silence_as_well(monkeypatch):
    stage = Stage(monkeypatch, opening_s=3.0)
    assert OPENING_S > 3.0
    stage.hear("device:desk")
    pauses = [after - before for (_, before), (after, _) in pairwise(stage.tries)]
    assert pauses[0] >= RETRY_S
    assert all(pause >= 0.2 for pause in pauses)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 1.0  # the back-off holds


def test_a_sound_system_that_hangs_is_left_alone_for_a_while_before_the_process_ends(monkeypatch):
    monkeypatch.setattr(audio_stage, "hangs", lambda: True)
    stage = Stage(monkeypatch)
    with pytest.raises(SourceError, match=r"the sound system hangs .*no such input"):
        stage.hear("device")
    assert len(stage.tries) == 1
    assert stage.ended_s[0] - stage.tries[0][1] == pytest.approx(SLOW_RETRY_S, abs=2 * BLOCK_S)


def test_a_show_that_ends_while_the_sound_system_hangs_ends_without_a_fault(monkeypatch):
    monkeypatch.setattr(audio_stage, "hangs", lambda: True)
    stage = Stage(monkeypatch, ends_s=0.5)
    stage.hear("device")
    assert stage.ended_s[0] - stage.tries[0][1] < SLOW_RETRY_S


@pytest.mark.parametrize("audio", ["file:gone.wav", "demo"])
def test_a_song_is_retried_though_the_sound_system_hangs(monkeypatch, audio):
    monkeypatch.setattr(audio_stage, "hangs", lambda: True)
    monkeypatch.setattr(audio_stage.Speakers, "open", lambda: None)
    stage = Stage(monkeypatch, ends_s=5.0)
    stage.hear(audio)
    assert len(stage.tries) > 3


@pytest.mark.parametrize("restarted", [False, True])
def test_what_hears_is_told_and_a_new_process_leaves_the_card_alone(monkeypatch, restarted):
    asked, open_encoder = [], audio_stage.open_encoder

    def opened(*, on_card):
        asked.append(on_card)
        return open_encoder(on_card=False)

    monkeypatch.setattr(audio_stage, "open_encoder", opened)
    stage = Stage(monkeypatch, ends_s=0.1)
    stage.hear("device", restarted=restarted)
    assert asked == [not restarted]
    assert (stage.about["runtime"], stage.about["encoder"]) == ("openvino", "openvino f32")
    assert "started again in mid-show" in stage.about["skipped"]["tensorrt"]
