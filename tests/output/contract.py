"""The contract of outputs, as tests: a new one is added to ``test_contract`` and must pass."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.output.shows import Tap, flat, noise, tone
from vjnode.errors import InputError, OutputError
from vjnode.modulation.moment import Moment
from vjnode.output.base import Frame, OutputContext
from vjnode.output.registry import KINDS, open_output, parse_output

CONTEXT = OutputContext(64, Fraction(60))


@dataclass(frozen=True)
class Kind:
    """One kind of output under test.

    target: makes a target that works, given a new folder.
    bad_target: one that cannot work; None where there is no target.
    within: makes the context in which it is opened and used.
    """

    name: str
    target: Callable[[Path], str]
    bad_target: str | None = None
    within: Callable[[], AbstractContextManager[None]] = nullcontext


class OutputContract:
    """Tests of one kind of output: inherit, and give a fixture ``kind``."""

    @pytest.fixture
    def make(self, kind, tmp_path):
        """A function that opens the output; whatever the test leaves open is closed."""
        opened = []

        def make(**more):
            spec = parse_output(f"{kind.name}:{kind.target(tmp_path)}".rstrip(":"))
            opened.append(open_output(spec, replace(CONTEXT, **more)))
            return opened[-1]

        with kind.within():
            yield make
            for output in opened:
                output.close()

    def test_it_is_in_the_catalogue_with_its_usage(self, kind):
        row = KINDS[kind.name]
        assert row.usage.startswith(kind.name)
        assert row.about

    def test_it_takes_frames_and_closes_twice(self, make):
        output = make()
        for n in range(20):
            output.send(noise(n, 64), 1000.0 + n / 60)
        output.close()
        output.close()

    def test_it_closes_without_a_frame(self, make):
        make().close()

    def test_it_takes_memory_that_it_must_not_write_to(self, make):
        output, frame = make(), flat((1, 2, 3))
        assert not frame.pixels.flags.writeable
        output.send(frame, 0.0)

    def test_it_leaves_the_pixels_alone(self, make):
        output, frame = make(), noise(4, 64)
        before = frame.pixels.copy()
        for n in range(5):
            output.send(frame, n / 60)
        np.testing.assert_array_equal(frame.pixels, before)

    def test_it_takes_memory_that_is_overwritten_after_send(self, make):
        output, memory = make(), np.zeros((64, 64, 4), np.uint8)
        for n in range(20):
            memory[...] = n
            output.send(Frame(memory, flat((0, 0, 0)).info), n / 60)
        memory[...] = 255
        output.close()

    def test_missed_and_repeated_deadlines_are_no_fault(self, make):
        output = make()
        for n in (0, 1, 1, 5, 4, 200, 201):
            output.send(noise(n, 64), 50.0 + n / 60)

    def test_values_of_a_silent_show_are_no_fault(self, make):
        output, info = make(), flat((0, 0, 0)).info
        odd = replace(info, moment=Moment(rms_db=-120.0), preset="", keys=0, keys_wanted=0)
        output.send(Frame(noise(1, 64).pixels, odd), 123456.0)

    @pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001), Fraction(120)])
    def test_it_runs_at_any_rate(self, make, fps):
        output = make(fps=fps)
        for n in range(10):
            output.send(noise(n, 64), float(n / fps))

    def test_it_may_use_the_sound_or_not(self, make):
        tap = Tap()
        output = make(sound=tap)
        for n in range(30):
            tap.hear(tone(1 / 60, n / 60), (n + 1) / 60)
            output.send(noise(n, 64), n / 60)

    def test_it_opens_again_after_a_fault(self, make):
        """The output before it was never closed: its process was killed, or it had failed."""
        make().send(noise(1, 64), 0.0)
        again = make(attempt=1)
        again.send(noise(2, 64), 1.0)

    def test_no_thread_of_its_own_outlives_it(self, make):
        before = set(threading.enumerate())
        output = make()
        output.send(noise(1, 64), 0.0)
        output.close()
        assert set(threading.enumerate()) <= before

    def test_a_target_that_cannot_work_is_named(self, kind):
        if kind.bad_target is None:
            pytest.skip("has no target")
        with pytest.raises((InputError, OutputError)) as caught:
            open_output(parse_output(f"{kind.name}:{kind.bad_target}"), CONTEXT)
        assert kind.bad_target in str(caught.value)
