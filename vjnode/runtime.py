"""OpenVINO without its reports home."""

import sys
from types import ModuleType


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
