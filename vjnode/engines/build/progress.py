"""One bar for a build that reports many nested phases, and how such a build is stopped."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from tqdm import tqdm

from vjnode.engines.cuda.tensorrt_api import Monitor, TensorRt
from vjnode.runtime import STOP_SIGNALS, heeded_signals


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class Progress:
    """Turns nested phases and their steps into a share of the whole, as TensorRT tells of them."""

    def __init__(self) -> None:
        self._phases: dict[str, _Phase] = {}
        self.share = 0.0
        """Part that is done, 0…1; never falls."""

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Begin a phase of so many steps, inside another one or as the whole."""
        self._phases[name] = _Phase(parent, max(steps, 1))

    def step(self, name: str, step: int) -> None:
        """Finish a step, counted from 0, of a phase."""
        if name in self._phases:
            self._phases[name].done = step + 1
        whole = (one for one, phase in self._phases.items() if phase.parent is None)
        self.share = max([self.share, *map(self._share_of, whole)])

    def finish(self, name: str) -> None:
        """End a phase; the whole's last steps need not have been reported."""
        phase = self._phases.pop(name, None)
        if phase is not None and phase.parent is None:
            self.share = 1.0

    def _share_of(self, name: str) -> float:
        phase = self._phases[name]
        inside = (one for one, other in self._phases.items() if other.parent == name)
        return min(1.0, (phase.done + max(map(self._share_of, inside), default=0.0)) / phase.steps)


@contextmanager
def watched(trt: TensorRt, about: str) -> Iterator[Monitor]:
    """Within it, a build shows a bar on a terminal and can be stopped by Ctrl-C and SIGTERM.

    Gives: the ``trt.IProgressMonitor`` to build with. An exception must not pass through
    TensorRT, so a signal only asks it to stop; leaving the context then does what the signal
    would have done.
    """
    progress, lock, caught = Progress(), threading.Lock(), list[int]()
    bar = tqdm(total=100, desc=about, disable=None, bar_format="{desc} |{bar}| {percentage:.0f} %")

    class Told(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with lock:
                progress.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with lock:
                progress.step(phase_name, step)
                bar.update(int(100 * progress.share) - bar.n)
            return not caught

        def phase_finish(self, phase_name: str) -> None:
            with lock:
                progress.finish(phase_name)
                bar.update(int(100 * progress.share) - bar.n)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)

    signals = heeded_signals(*STOP_SIGNALS)
    if threading.current_thread() is not threading.main_thread():
        signals = []  # only the main thread is told of them
    before = {one: signal.signal(one, stop) for one in signals}
    try:
        yield Told()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        bar.close()
    if caught:
        signal.raise_signal(caught[0])
