"""What OpenVINO can compute with on this processor, which may be held to less than it has.

oneDNN, which computes for it, takes a limit from the environment. OpenVINO does not heed that when
it says what it is capable of, and then fails in bf16.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino

LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Variables of the environment that hold oneDNN to an instruction set, as AVX2."""


def instruction_limit() -> str:
    """Return the instruction set that oneDNN is held to; "" where it is held to none."""
    asked = next((os.environ[name] for name in LIMITS if os.environ.get(name)), "")
    return "" if asked.upper() in {"ALL", "DEFAULT"} else asked.upper()


def processor_name(core: "openvino.Core") -> str:
    """Return what the processor calls itself, and what it is held to."""
    name, limit = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip(), instruction_limit()
    return f"{name} held to {limit}" if limit else name


def has_bf16(core: "openvino.Core") -> bool:
    """Whether it computes in bf16 itself; an emulation would be slower and no better."""
    able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return able and (not instruction_limit() or _multiplies_in_bf16())


@cache
def _multiplies_in_bf16() -> bool:
    """Whether one product can be compiled, which takes a tenth of a second to find out."""
    ov = load_openvino()
    x = ov.opset13.parameter([1, 32], np.float32)
    weights = ov.opset13.constant(np.ones((32, 32), np.float32))
    product = ov.Model([ov.opset13.matmul(x, weights, False, True)], [x], "product")
    try:
        ov.Core().compile_model(product, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    except RuntimeError:
        return False
    return True
