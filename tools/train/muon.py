"""Muon: momentum for matrices, made orthogonal (K. Jordan and others, 2024).

Every direction of a matrix moves equally fast, even those with small gradients. In training the
reduced networks it needed 170 steps for the loss that Adam reached after 370. torch has it too, but
in bfloat16, which on a processor without such arithmetic took twenty times as long.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95

LIKE_ADAM = 0.2
"""Root mean square of a step, in learning rates: about the same as Adam's."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the published iteration, and five rounds of it
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Optimiser of matrices [O, I], or kernels of one pixel [O, I, 1, 1]; float32.

    groups: as for every optimiser of torch, each with its learning rate, ``lr``.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 1e-3})

    @torch.no_grad()
    # With a closure torch's own optimisers return its loss; this one takes none.
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        assert closure is None  # noqa: S101 - this optimiser does not evaluate the loss
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1.0 - MOMENTUM)
                ahead = weight.grad.lerp(state["momentum"], MOMENTUM)  # Nesterov's
                step = orthogonal(ahead.flatten(1)).view_as(weight)
                scale = LIKE_ADAM * max(weight.shape[:2]) ** 0.5
                weight.add_(step, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return ``matrix``, [O, I], with all its singular values brought near 1.

    Five rounds of a Newton-Schulz iteration quickly bring them to 0.7 to 1.2, not exactly to 1.
    """
    a, b, c = _COEFFICIENTS
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(_ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x
