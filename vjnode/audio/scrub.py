"""Make samples safe: one wild value would silence aubio's detectors for good."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def scrub(samples: ArrayLike) -> NDArray[np.float32]:
    """Return ``samples`` as finite float32 in −1…1, same shape, always a new array.

    NaN becomes 0; infinities and overs are clipped to full scale.
    """
    # float32 first: 1e300 turns into inf and is then clipped like any over.
    with np.errstate(over="ignore"):
        clean = np.array(samples, dtype=np.float32)
    if clean.size and clean.min() >= -1.0 and clean.max() <= 1.0:  # false for NaN
        return clean
    np.clip(clean, -1.0, 1.0, out=clean)
    np.copyto(clean, 0.0, where=np.isnan(clean))
    return clean
