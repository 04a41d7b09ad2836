"""Graphics cards by their compute capability: what they are called, and which one is here."""

import ctypes
import sys

KNOWN = {
    "sm75": "RTX 20, GTX 16, T4",
    "sm80": "A100, A30",
    "sm86": "RTX 30, A10, A40",
    "sm89": "RTX 40, L4, L40",
    "sm90": "H100, H200",
    "sm100": "B200",
    "sm103": "B300",
    "sm120": "RTX 50, RTX PRO Blackwell",
    "sm121": "DGX Spark",
}
"""Compute capability → cards that have it."""

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…


def gpu_here() -> str | None:
    """Return the compute capability of the first CUDA card, such as ``sm89``; None without one.

    Asks the driver alone: no CUDA package is needed.
    """
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    error = (
        cuda.cuInit(0)
        or cuda.cuDeviceGet(ctypes.byref(device), 0)
        or cuda.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    )
    if error != 0:
        return None
    return f"sm{major.value}{minor.value}"


def with_cards(gpu: str) -> str:
    """Return a compute capability with what people call such cards."""
    return f"{gpu} ({KNOWN[gpu]})" if gpu in KNOWN else gpu
