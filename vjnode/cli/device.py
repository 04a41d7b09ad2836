"""``--device``: what torch makes faces and expressions on, the processor or a CUDA card."""

import argparse
import logging
from typing import TYPE_CHECKING

from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.torch_engine import check_torch_cuda
from vjnode.errors import EngineError, InputError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from vjnode.faces.photo.device import Device

_log = logging.getLogger(__name__)


def add_device(parser: "_ActionsContainer") -> None:
    """Add the option."""
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        help="that it is made on (default: auto, a CUDA card where torch can use one)",
    )


def device_of(options: argparse.Namespace) -> "Device":
    """Return the device that is asked for, or that is best here.

    Raises:
        InputError: a card is asked for, and there is none that torch can use.
    """
    if options.device == "cpu":
        return "cpu"
    try:
        check_torch_cuda()
    except EngineError as error:
        if options.device == "cuda":
            raise InputError(f"--device cuda: {error}; --device cpu works everywhere") from error
        if gpu_here() is not None:
            _log.info("it is made on the processor, although there is a card: %s", error)
        return "cpu"
    return "cuda"
