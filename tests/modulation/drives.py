"""Drives made by hand."""

from vjnode.audio.tempo.beat import Beat
from vjnode.modulation.drive import Drive


def drive(captured_s, weight=0.0, **more):
    """A drive of sound that is loud enough, with what else it says."""
    where = {"t_s": captured_s, "captured_s": captured_s, "weight_s": captured_s}
    level = {"rms_db": -20.0, "agc_db": 3.0, "audible": True, "onsets": 0, "hits": ()}
    said = {"weight": weight, "low": 0.0, "mid": 0.0, "high": 0.0, "beat": Beat()}
    return Drive(**(where | level | said | more))
