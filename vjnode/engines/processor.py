"""The processor as OpenVINO uses it: its name, and its support for arithmetic in bf16.

oneDNN, which computes for OpenVINO, can be limited by the environment to less than the processor
has. OpenVINO ignores the limit when it lists its capabilities, and then fails in bf16.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino

LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Environment variables that limit oneDNN to an instruction set, such as ``AVX2``."""


def instruction_limit() -> str:
    """Return the instruction set that oneDNN is limited to; "" where there is no limit."""
    asked = next((os.environ[name] for name in LIMITS if os.environ.get(name)), "")
    return "" if asked.upper() in {"ALL", "DEFAULT"} else asked.upper()


def processor_name(core: "openvino.Core") -> str:
    """Return the processor's name, with the limit on its instruction set if there is one."""
    name, limit = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip(), instruction_limit()
    return f"{name} held to {limit}" if limit else name


def has_bf16(core: "openvino.Core") -> bool:
    """Return True if the processor itself computes in bf16: emulating it is slower, no better."""
    able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return able and (not instruction_limit() or _multiplies_in_bf16())


@cache
def _multiplies_in_bf16() -> bool:
    """Return True if a matrix product compiles in bf16; takes a tenth of a second, once."""
    ov = load_openvino()
    x = ov.opset13.parameter([1, 32], np.float32)
    weights = ov.opset13.constant(np.ones((32, 32), np.float32))
    product = ov.Model([ov.opset13.matmul(x, weights, False, True)], [x], "product")
    try:
        ov.Core().compile_model(product, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    except RuntimeError:
        return False
    return True
