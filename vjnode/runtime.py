"""How every process of vjnode is set up: its log, and OpenVINO without its reports home."""

import logging
import os
import sys
from types import ModuleType


def log_to_stderr() -> None:
    """Write the log to stderr, one line an event."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )


def load_openvino() -> ModuleType:
    """Import OpenVINO with its telemetry left out.

    As it comes, each import and each conversion is reported to an analytics server without
    asking. When its telemetry package cannot be imported, it does without; so that is what it
    is told, before it is imported for the first time in this process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # noqa: PLC0415 - after the line above

    module: ModuleType = openvino
    return module


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
