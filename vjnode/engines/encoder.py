"""Choice of the engine that hears: a built engine of the sound encoder on a card, else OpenVINO.

OpenVINO is opened in any case. It proves the card's encoder before that is trusted, and goes on if
that fails in mid-show: a face follows whatever is heard, and a show never falls.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.build.tensorrt_variants import FLAVOURS
from vjnode.engines.crash_guard import attempt, forget_failure, refuse_if_it_took_down
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.driver import NO_CARD
from vjnode.engines.registry import CANDIDATES, Verdict, allowed, skipped_text
from vjnode.errors import EngineError, VjnodeError
from vjnode.generators.spec import Precision
from vjnode.modulation.encoder.base import SoundEncoder
from vjnode.modulation.encoder.input import FRAMES, silence
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import Trained, load_trained
from vjnode.modulation.listener import STEP_S

_log = logging.getLogger(__name__)

TOLERANCE: dict[Precision, float] = {"fp16": 0.02, "fp32": 0.001}
"""Greatest difference between a card's and OpenVINO's mean of the 512 values, by precision.

The mean is 5 to 14. In ONNX Runtime, on the demo song and on noise, fp16 differs by up to 0.006,
and fp32, which adds up in another order, by 0.000003. Where the weight is steepest over the mean,
0.02 is a weight of 0.01, less than from one of 64 key frames to the next: nobody sees it."""

RESTARTED = "the audio process was started again in mid-show, and the card may be why"

LOUD = 8
"""Number of frames of noise that an encoder is proved with, after a window of silence: they show
whether it really computes, and whether it keeps its past."""

SLOW_S = STEP_S / 2.0
"""Duration of a step, s, from which on it counts as late: hearing has more to do than to encode."""

LATE_S = 0.2
"""Lateness of steps, s, what earlier ones took less taken off, from which on the card is given up:
hearing would fall behind."""


class CardEncoder(SoundEncoder, Protocol):
    """Encoder on a card. precision: what it computes in."""

    @property
    def precision(self) -> Precision:
        """Arithmetic of its engine."""

    def reset(self) -> None:
        """Forget the past, as if it had just been opened."""

    def close(self) -> None:
        """Free the card's memory; safe to call twice."""


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder that hears, with its trained weights, and the verdicts on all up to it."""

    encoder: SoundEncoder
    trained: Trained
    verdicts: tuple[Verdict, ...]

    @property
    def taken(self) -> Verdict:
        """The verdict on the one that was taken."""
        return self.verdicts[-1]

    def report(self) -> dict[str, object]:
        """Return which hears now, and why none of those before it, for machines."""
        verdicts = list(self.verdicts)
        if isinstance(self.encoder, GuardedEncoder) and (reason := self.encoder.reason):
            verdicts[-1] = Verdict(self.taken.name, "", reason)
            verdicts.append(Verdict(CANDIDATES[-1].name, self.encoder.name, ""))
        return {
            "runtime": verdicts[-1].name,
            "encoder": verdicts[-1].engine,
            "skipped": {one.name: one.reason for one in verdicts[:-1]},
        }

    def tell_changes(self, listener: Callable[[], object]) -> None:
        """Have ``listener`` called once another encoder has begun to hear."""
        if isinstance(self.encoder, GuardedEncoder):
            self.encoder.changed = listener

    def close(self) -> None:
        """Free what is on a card."""
        if isinstance(self.encoder, GuardedEncoder):
            self.encoder.close()

    def __str__(self) -> str:
        """Say which, and why none of those before it."""
        return f"{self.taken.engine}{skipped_text(self.verdicts[:-1])}"


class GuardedEncoder:
    """A card's encoder, with OpenVINO's behind it, which goes on when the card fails or lags.

    OpenVINO then hears the last window of sound first, so that its values are at once those of a
    show that it has heard from the start.

    Args:
        card: closed together with this.
        processor: OpenVINO's.
    """

    def __init__(self, card: CardEncoder, processor: LiveEncoder) -> None:
        self._card: CardEncoder | None = card
        self._processor = processor
        self._heard: deque[NDArray[np.float32]] = deque(maxlen=FRAMES - 1)
        self._late_s = 0.0
        self.reason = ""
        """Fault for which the card was given up; "" before."""
        self.changed: Callable[[], object] = lambda: None
        """Called once the card was given up."""

    @property
    def name(self) -> str:
        """Name of the one that hears now."""
        return (self._card or self._processor).name

    def step(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the 512 values after the next frame, shape (13,), not normalised."""
        if self._card is not None:
            try:
                values = self._timed(self._card, mfcc)
            except Exception as error:  # noqa: BLE001 - whatever it is, the show goes on
                return self._give_up(str(error) or type(error).__name__, mfcc)
            self._heard.append(mfcc.copy())
            return values
        return self._processor.step(mfcc)

    def close(self) -> None:
        """Free the card's memory; OpenVINO hears from now on."""
        card, self._card = self._card, None
        if card is not None:
            with suppress(Exception):  # it has failed, or a show is over
                card.close()

    def _timed(self, card: CardEncoder, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a card's values.

        Raises:
            EngineError: its steps take too long.
        """
        start_s = time.perf_counter()
        values = card.step(mfcc)
        took_s = time.perf_counter() - start_s
        self._late_s = max(self._late_s + took_s - SLOW_S, 0.0)
        if self._late_s >= LATE_S:
            raise EngineError(f"steps of {card.name} take more than {1e3 * SLOW_S:.1f} ms")
        return values

    def _give_up(self, reason: str, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Go on with OpenVINO; return its values after ``mfcc`` and all that was heard before."""
        _log.warning("%s; hearing goes on with %s", reason, self._processor.name)
        self._processor.reset()
        for before in self._heard:
            self._processor.step(before)
        self._heard.clear()
        values = self._processor.step(mfcc)
        self.reason = reason
        self.close()  # late: a card that is busy or has failed may take long
        self.changed()
        return values


def open_encoder(trained: Trained | None = None, *, on_card: bool = True) -> EncoderChoice:
    """Open the encoder that hears, and say so in the log.

    ``VJNODE_ENGINE`` names the only engine to consider, as for drawing; OpenVINO hears where that
    one cannot.

    trained: weights; None: those that ship with vjnode, which engines are built from, so that
    others are OpenVINO's. on_card: whether a card may be used.

    Raises:
        InputError: ``VJNODE_ENGINE`` names nothing that is known, or the weights are damaged.
    """
    choice = _choose(trained, on_card=on_card)
    in_vain = choice.verdicts[:-1] and isinstance(choice.encoder, LiveEncoder)
    level = logging.WARNING if in_vain and gpu_here() is not None else logging.INFO
    _log.log(level, "hearing with %s", choice)
    return choice


def survey_encoder() -> EncoderChoice:
    """Try what could hear here, even if it has taken a process down; return what a show would take.

    Raises:
        InputError: as for ``open_encoder``.
    """
    for flavour in FLAVOURS:
        forget_failure(_guarded(flavour))
    choice = _choose(None, on_card=True)
    choice.close()
    return choice


def _choose(trained: Trained | None, *, on_card: bool) -> EncoderChoice:
    names = [name for name in allowed() if name in FLAVOURS]
    ours = trained or load_trained()
    processor = LiveEncoder(ours)
    verdicts: list[Verdict] = []
    if not on_card:
        verdicts += [Verdict(name, "", RESTARTED) for name in names]
    for name in names if on_card and trained is None else ():
        try:
            card = _proved(name, ours, processor)
        except VjnodeError as error:
            verdicts.append(Verdict(name, "", str(error)))
            continue
        guarded = GuardedEncoder(card, processor)
        return EncoderChoice(guarded, ours, (*verdicts, Verdict(name, card.name, "")))
    last = Verdict(CANDIDATES[-1].name, processor.name, "")
    return EncoderChoice(processor, ours, (*verdicts, last))


def _proved(name: str, trained: Trained, processor: LiveEncoder) -> CardEncoder:
    """Open a card's encoder and return it when it hears what OpenVINO hears; else close it.

    Raises:
        VjnodeError: it cannot be opened, has failed, or hears something else.
    """
    if gpu_here() is None:
        raise EngineError(NO_CARD)
    from vjnode.engines.cuda.tensorrt_encoder import open_tensorrt_encoder  # noqa: PLC0415

    refuse_if_it_took_down(_guarded(name))
    with ExitStack() as unless_proved, attempt(_guarded(name)):
        try:
            card = open_tensorrt_encoder(trained, FLAVOURS[name])
            unless_proved.callback(card.close)
            _prove(card, processor, trained)
            card.reset()
        except VjnodeError:
            raise
        except Exception as error:  # whatever it is, OpenVINO hears
            raise EngineError(f"{name} fails: {error}") from error
        finally:
            processor.reset()
        unless_proved.pop_all()
        return card


def _prove(card: CardEncoder, processor: LiveEncoder, trained: Trained) -> None:
    """Compare a card's encoder with OpenVINO's, from its first step on.

    Raises:
        EngineError: a mean of the 512 values, which drives the face, differs.
    """
    for mfcc in _probe(trained):
        means = [float(one.step(mfcc).mean(dtype=np.float64)) for one in (card, processor)]
        if not abs(means[0] - means[1]) <= TOLERANCE[card.precision]:  # NaN is none either
            raise EngineError(
                f"{card.name} hears {means[0]:.4g} where {processor.name} hears {means[1]:.4g}: "
                "its arithmetic or its engine is broken; update the driver, and build it again"
            )


def _probe(trained: Trained) -> Iterator[NDArray[np.float32]]:
    """Yield MFCCs of silence for a window, then of noise between the limits of the range."""
    quiet = silence()
    for _ in range(FRAMES):
        yield quiet
    low, high = trained.mfcc_low, trained.mfcc_high
    for share in np.random.default_rng(0).random((LOUD, len(low)), np.float32):
        yield low + share * (high - low)


def _guarded(flavour: str) -> str:
    """Return what the crash guard knows a card's encoder by."""
    return f"encoder-{flavour}"
