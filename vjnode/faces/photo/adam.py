"""Adam (Kingma and Ba, arXiv 1412.6980) with a state that can be saved and gone on from."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

_BETAS, _EPSILON = (0.9, 0.99), 1e-8


def pace(step: int, steps: int, held: float) -> float:
    """Return the factor of the rate at a step, counted from 0: it rises in 10 steps, then falls.

    held: part of the steps after which it falls as a cosine does.
    """
    warm = min(1.0, (step + 1) / 10)
    fallen = max(0.0, (step / max(steps, 1) - held) / (1 - held))
    return max(warm * (0.5 + 0.5 * math.cos(math.pi * fallen)), 0.02)


class Adam:
    """The optimiser of tensors by name, in place. state: as ``state`` returned it, to go on."""

    def __init__(
        self, tensors: Mapping[str, Tensor], state: Mapping[str, Tensor] | None = None
    ) -> None:
        self._tensors, self._done = dict(tensors), 0
        state = state or {}
        self._first, self._second = (
            {
                name: state.get(f"{which}.{name}", torch.zeros_like(value)).to(
                    value.device, copy=True
                )
                for name, value in self._tensors.items()
            }
            for which in ("first", "second")
        )
        if "done" in state:
            self._done = int(state["done"])

    def state(self) -> dict[str, Tensor]:
        """Return means of gradients and of their squares, and the number of steps."""
        return {
            **{f"first.{name}": value for name, value in self._first.items()},
            **{f"second.{name}": value for name, value in self._second.items()},
            "done": torch.tensor(self._done),
        }

    def step(self, rate: float, paces: Mapping[str, float] | None = None) -> None:
        """Move all tensors that have a gradient, and forget it.

        paces: factors of the rate by name; of those that are not there, 1.
        """
        paces = paces or {}
        self._done += 1
        one, two = (1 - beta**self._done for beta in _BETAS)
        with torch.no_grad():
            for name, value in self._tensors.items():
                if value.grad is None:
                    continue
                first, second = self._first[name], self._second[name]
                first.lerp_(value.grad, 1 - _BETAS[0])
                second.mul_(_BETAS[1]).addcmul_(value.grad, value.grad, value=1 - _BETAS[1])
                own = rate * paces.get(name, 1.0)
                value.addcdiv_(first, (second / two).sqrt_().add_(_EPSILON), value=-own / one)
                value.grad = None
