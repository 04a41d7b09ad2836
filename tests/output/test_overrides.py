import itertools

import numpy as np
import pytest

from vjnode.output import overrides as module
from vjnode.output.overrides import BREATH_S, STALE_S, Cue, Fade, Overrides, Stills, breath, soft

SIZE = 8
FPS = 60
NOTHING = Cue()
NEUTRAL, BLACK, FREEZE = Cue(neutral=True), Cue(blackout=True, fade_s=1.0), Cue(freeze=True)


def grey(level):
    picture = np.full((SIZE, SIZE, 4), level, np.uint8)
    picture[..., 3] = 255
    return picture


STILLS = Stills(grey(40), grey(60))


class Output:
    """Overrides with a clock: what they show, frame by frame, as the level of its grey."""

    def __init__(self, stills=STILLS):
        self.asked = 0
        self.now_s = 100.0
        self.drawn_s = self.now_s
        self.awake_s = 0.0
        self.overrides = Overrides(SIZE, lambda: self.count(stills), awake_s=lambda: self.awake_s)

    def count(self, stills):
        self.asked += 1
        return stills

    def frame(self, cue=NOTHING, level=200, *, engine=True):
        self.now_s += 1 / FPS
        self.awake_s += 1 / FPS
        if engine:
            self.drawn_s, self.picture = self.now_s, grey(level)
        shown = self.overrides.draw(self.now_s, cue, self.picture, self.drawn_s)
        assert (shown[..., 3] == 255).all()
        assert (shown[..., :3] == shown[0, 0, 0]).all()
        return int(shown[0, 0, 0])

    def run(self, seconds, cue=NOTHING, **more):
        return [self.frame(cue, **more) for _ in range(round(seconds * FPS))]


def test_without_any_of_it_the_frame_itself_is_shown_and_nothing_is_copied():
    picture = grey(7)
    assert (
        Overrides(SIZE, lambda: None, awake_s=lambda: 0.0).draw(1.0, Cue(), picture, 1.0) is picture
    )


def test_no_still_is_asked_for_while_none_is_needed():
    output = Output()
    output.run(5)
    assert output.asked == 0


@pytest.mark.parametrize("fade_s", [0.5, 2.0])
def test_blackout_is_a_straight_line_for_the_eye_and_back(fade_s):
    output, cue = Output(), Cue(blackout=True, fade_s=fade_s)
    output.frame()
    down = output.run(fade_s, cue)
    assert np.abs(np.diff(down, 2)).max() <= 2  # even steps, but for rounding
    assert down[len(down) // 2] == pytest.approx(100, abs=8)
    assert output.frame(cue) == 0
    up = output.run(fade_s, Cue(fade_s=fade_s))
    assert np.abs(np.diff(up, 2)).max() <= 2
    assert output.frame() == 200


def test_after_an_hour_of_sleep_the_engine_has_its_time_to_draw():
    output = Output()
    output.run(0.5)
    output.now_s += 3600.0
    assert set(output.run(STALE_S - 0.1, engine=False)) == {200}
    assert output.run(STALE_S, engine=False)[-1] < 100  # it does not come
    output.now_s += 3600.0  # and it had not before that, either
    assert max(output.run(STALE_S, engine=False)) < 100


@pytest.mark.parametrize("busy", [1.0, 0.6], ids=["quiet", "a busy machine"])
def test_an_output_that_was_held_up_by_itself_gives_a_dead_engine_no_more_time(busy):
    output = Output()
    output.run(0.5)
    output.now_s += 3.0
    output.awake_s += 3.0 * busy
    standing_in = output.run(1.0, engine=False)
    assert output.overrides.standing_in
    assert standing_in[-1] < 100
    assert np.abs(np.diff(standing_in[1:])).max() < 12  # a crossfade, but for what was missed


def test_black_is_black_at_once_without_a_fade():
    output = Output()
    assert output.run(0.1) == [200] * 6
    assert output.frame(Cue(blackout=True, fade_s=0.0)) == 0
    assert output.frame(Cue(fade_s=0.0)) == 200


def test_a_blackout_can_be_turned_around_on_its_way():
    output = Output()
    output.frame()
    dark = output.run(0.5, BLACK)[-1]
    assert output.frame(Cue(fade_s=1.0)) == pytest.approx(dark + 200 / FPS, abs=2)


def test_an_output_that_is_started_again_in_the_dark_shows_no_flash():
    assert Output().frame(BLACK) == 0


def test_frozen_the_picture_stays_whatever_comes():
    output = Output()
    output.run(0.1, level=120)
    first = output.frame(FREEZE, level=120)
    assert first == 120
    assert set(output.run(2, FREEZE, level=30)) == {120}
    assert output.frame(level=90) == 90
    output.frame(FREEZE, level=90)
    assert set(output.run(STALE_S + 3, FREEZE, engine=False)) == {90}


def test_blackout_and_back_while_frozen():
    output = Output()
    output.frame(FREEZE)
    both = Cue(freeze=True, blackout=True, fade_s=0.5)
    assert output.run(0.6, both, engine=False)[-1] == 0
    back = Cue(freeze=True, fade_s=0.5)
    assert output.run(0.6, back, engine=False)[-1] == 200


def test_what_was_frozen_is_frozen_in_an_output_that_is_started_again():
    output = Output()
    output.overrides.hold(grey(77))
    assert set(output.run(0.5, FREEZE, level=200)) == {77}
    assert output.frame() == 200


def test_the_middle_of_a_crossfade_can_be_frozen():
    output = Output()
    output.frame()
    now = output.run(0.5, NEUTRAL)[-1]
    frozen = output.frame(Cue(freeze=True, neutral=True))
    assert 40 < frozen <= now
    assert set(output.run(2, Cue(freeze=True, neutral=True), level=10)) == {frozen}


def test_neutral_goes_softly_to_the_resting_face_and_back():
    output = Output()
    output.frame()
    to = output.run(1.5, NEUTRAL)
    assert to[-1] == 40
    assert (np.diff(to) <= 0).all()
    assert np.abs(np.diff(to)).max() < 10
    assert np.abs(np.diff(to[:4])).max() <= 2  # it sets off gently
    assert output.run(1.5)[-1] == 200


def test_neutral_works_with_the_engine_gone():
    output = Output()
    output.frame()
    output.run(STALE_S + 3, engine=False)
    assert output.run(1.5, NEUTRAL, engine=False)[-1] == 40


def test_the_last_good_frame_stays_for_two_seconds_and_then_the_stills_breathe():
    output = Output()
    output.frame()
    assert set(output.run(STALE_S - 0.05, engine=False)) == {200}
    assert not output.overrides.standing_in
    leaving = output.run(1.0, engine=False)
    assert np.abs(np.diff(leaving)).max() < 12  # a crossfade, no cut
    breathing = output.run(2 * BREATH_S, engine=False)
    assert output.overrides.standing_in
    assert (min(breathing), max(breathing)) == (40, 60)
    assert np.abs(np.diff(breathing)).max() <= 1
    turns = np.diff(np.sign(np.diff([b for b, a in itertools.pairwise(breathing) if a != b])))
    assert 3 <= np.count_nonzero(turns) <= 5  # two breaths: about four turns


def test_when_frames_come_again_they_are_faded_to():
    output = Output()
    output.frame()
    output.run(STALE_S + 3, engine=False)
    back = output.run(1.0)
    assert not output.overrides.standing_in
    assert back[-1] == 200
    assert np.abs(np.diff(back)).max() < 12


def test_without_stills_the_last_frame_stays():
    output = Output(stills=None)
    output.frame()
    assert set(output.run(STALE_S + 2, engine=False)) == {200}
    assert set(output.run(2, NEUTRAL, engine=False)) == {200}


def test_outputs_breathe_together():
    early, late = Output(), Output()
    early.frame()
    early.run(STALE_S + 4, engine=False)
    # Started again meanwhile: it finds the last frame, and how old it is.
    late.now_s, late.drawn_s, late.picture = early.now_s, early.drawn_s, early.picture
    assert late.run(3, engine=False) == early.run(3, engine=False)


def test_the_frame_that_was_given_is_not_written_to():
    picture = grey(200)
    picture.flags.writeable = False
    overrides = Overrides(SIZE, lambda: STILLS, awake_s=lambda: 0.0)
    for n in range(600):
        cue = Cue(blackout=n % 100 > 50, neutral=n % 70 > 30, fade_s=0.4)
        overrides.draw(n / FPS, cue, picture, 0.0)
    assert (STILLS.rest == grey(40)).all()
    assert (STILLS.away == grey(60)).all()


def test_a_fade_moves_evenly_and_ends_where_it_should():
    fade = Fade()
    assert fade.step(0.0, on=False, fade_s=2.0) == 0.0
    levels = [fade.step(0.1, on=True, fade_s=2.0) for _ in range(30)]
    assert np.diff(levels[:20]) == pytest.approx(0.05)
    assert levels[-1] == 1.0


def test_breath_and_crossfade_begin_and_end_at_rest():
    assert (soft(0.0), soft(0.5), soft(1.0)) == (0.0, 0.5, 1.0)
    assert breath(0.0) == 0.0
    assert breath(BREATH_S / 2) == pytest.approx(1.0)
    assert 4 <= module.BREATH_S <= 6
