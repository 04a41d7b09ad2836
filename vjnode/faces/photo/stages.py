"""Stages of descent that can be broken off after any round, and gone on with to the same result."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vjnode.errors import VjnodeError
from vjnode.faces.photo.adam import Adam, pace
from vjnode.faces.photo.state import State, StateFile

_log = logging.getLogger(__name__)

Loss = Callable[[int], tuple[Tensor, Tensor]]
"""From the number of a round to the loss, [], and the picture at rest, [1, 3, H, W], 0…1."""


@dataclass(frozen=True)
class Stage:
    """One descent.

    rate: of Adam. held: part of the rounds after which it falls. cost: of a round, in those of the
    first stage. tensors: by name; they are moved in place. paces: factors of the rate by name; of
    those that are not there, 1.
    """

    rounds: int
    rate: float
    held: float
    cost: float
    tensors: dict[str, Tensor] = field(repr=False)
    loss: Loss = field(repr=False)
    paces: Mapping[str, float] = field(default_factory=dict, repr=False)


class Stages:
    """Runs stages one after the other.

    state: to go on from. progress: is told the cost of each round that is done. watch: is given
    its picture at rest. resumed: is told the cost of what an earlier run did; without it, progress.
    """

    def __init__(
        self,
        file: StateFile,
        state: State,
        progress: Callable[[float], object],
        watch: Callable[[Tensor], object],
        resumed: Callable[[float], object] | None = None,
    ) -> None:
        self._file, self._state = file, state
        self._progress, self._watch = progress, watch
        self._resumed = progress if resumed is None else resumed
        self._number, self._told = 0, False
        self._over: dict[str, Tensor] = {}
        """Results of the stages that are over, by their number and name."""

    def run(self, stage: Stage) -> None:
        """Run the rounds of the next stage that are left."""
        number, state = self._number, self._state
        self._number += 1
        if state.stage > number:
            _set(stage.tensors, state.tensors, f"{number}.")
            self._resumed(stage.cost * stage.rounds)
        else:
            self._descend(number, stage, state if state.stage == number else State())
        self._over |= {f"{number}.{name}": value for name, value in stage.tensors.items()}

    def skip(self, cost: float) -> None:
        """Note that a stage is not needed. cost: of its rounds."""
        self._resumed(cost)

    def _descend(self, number: int, stage: Stage, state: State) -> None:
        tensors = stage.tensors
        if state.done:
            _set(tensors, state.tensors, "now.")
        adam = Adam(tensors, _beginning(state.tensors, "adam."))
        self._resumed(stage.cost * state.done)
        for value in tensors.values():
            value.requires_grad_()
        for i in range(state.done, stage.rounds):
            loss, picture = stage.loss(i)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step(stage.rate * pace(i, stage.rounds, stage.held), stage.paces)
            self._watch(picture.detach())
            self._progress(stage.cost)
            if self._file.is_due():
                self._save(number, i + 1, tensors, adam)
        for value in tensors.values():
            value.requires_grad_(False)
        self._save(number, stage.rounds, tensors, adam)

    def _save(self, number: int, done: int, tensors: dict[str, Tensor], adam: Adam) -> None:
        now = {f"now.{name}": value for name, value in tensors.items()}
        moments = {f"adam.{name}": value for name, value in adam.state().items()}
        try:
            self._file.save(number, done, {**self._over, **now, **moments})
        except VjnodeError as error:
            if not self._told:
                _log.warning("%s; it goes on, but could not be resumed if it broke off", error)
            self._told = True


def _set(tensors: dict[str, Tensor], values: dict[str, Tensor], prefix: str) -> None:
    for name, tensor in tensors.items():
        tensor.data.copy_(values[prefix + name])


def _beginning(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
