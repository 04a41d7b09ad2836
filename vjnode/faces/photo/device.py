"""The device that faces are made on: torch's current one, the processor or a CUDA card.

All tensors that are made while ``working_on`` a device lie on it: torch's own factories see to
that, and ``torch.as_tensor`` takes arrays there. ``numpy(force=True)`` takes tensors back, to what
only the processor does: landmarks by OpenVINO, masks by OpenCV, files.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch

from vjnode.errors import VjnodeError

Device = Literal["cpu", "cuda"]

_SMALLEST_PX = 256

_CUBLAS, _OWN_MEMORY = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
"""With memory of its own for each stream, cuBLAS adds up in the same order each time."""


def name_of(device: Device) -> str:
    """Return a device's name, for people."""
    return "the processor" if device == "cpu" else torch.cuda.get_device_name()


@contextmanager
def working_on(device: Device, px: int) -> Iterator[None]:
    """Make all tensors on a device meanwhile. px: size of the pictures, for errors.

    A card computes in full single precision, as the recipe was measured, and in the same order
    each time; where torch knows no such way, it warns.

    Raises:
        VjnodeError: the card fails, or has too little memory; the text says what to do.
    """
    if device == "cpu":
        yield
        return
    with ExitStack() as stack:
        _repeat(stack)
        stack.enter_context(torch.device(device))
        try:
            yield
        except torch.OutOfMemoryError as error:
            smaller = "take a smaller --size, " if px > _SMALLEST_PX else ""
            raise VjnodeError(
                f"the card has too little memory for pictures of {px} px; close what else uses "
                f"it, {smaller}or give --device cpu"
            ) from error
        except RuntimeError as error:  # what torch raises for all else that a card refuses
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
            raise VjnodeError(f"torch fails on the card: {reason}; give --device cpu") from error


def _repeat(stack: ExitStack) -> None:
    """Have torch compute the same each time, without TF32, until the stack is closed.

    Products of matrices are without TF32 unless somebody asks for it; convolutions are not.
    """
    stack.callback(torch.set_deterministic_debug_mode, torch.get_deterministic_debug_mode())
    torch.set_deterministic_debug_mode("warn")
    flags = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    stack.enter_context(flags)
    if _CUBLAS not in os.environ:
        stack.callback(os.environ.pop, _CUBLAS, None)
        os.environ[_CUBLAS] = _OWN_MEMORY
