import av
import numpy as np
import pytest

from tests.audio.sounds import pink_noise, sine
from tools.data.grooves import groove
from vjnode.audio.features.loudness import KWeighting
from vjnode.audio.sources.base import RATE_HZ

TENTH = RATE_HZ // 10


def momentary_by_ffmpeg(mono):
    """Momentary loudness of ``mono`` at its end, LUFS: of its last 0.4 s."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="fltp", layout="mono")
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(mono[None].copy(), "fltp", "mono")
    frame.sample_rate = RATE_HZ
    graph.push(frame)
    graph.push(None)
    found = []
    while True:
        try:
            found.append(float(graph.pull().metadata["lavfi.r128.M"]))
        except av.error.EOFError:
            return found[-1]


def momentary(mono):
    """The same by ours: the mean power of the last four tenths of a second."""
    weighting = KWeighting()
    tenths = mono[: len(mono) // TENTH * TENTH].reshape(-1, TENTH)
    power = float(np.mean([weighting.power(tenth) for tenth in tenths][-4:]))
    return -0.691 + 10.0 * np.log10(power)


SOUNDS = {
    "pink noise": pink_noise(2.0, dbfs=-23.0),
    "white noise": np.random.default_rng(0).normal(0.0, 0.05, 2 * RATE_HZ).astype(np.float32),
    "groove": groove("funk", 110.0, 2.0)[0],
    **{f"{hz} Hz": sine(float(hz), 2.0, dbfs=-20.0) for hz in (40, 100, 440, 2000, 8000, 15000)},
}


@pytest.mark.parametrize("mono", SOUNDS.values(), ids=SOUNDS)
def test_it_measures_what_ffmpeg_measures(mono):
    assert momentary(mono) == pytest.approx(momentary_by_ffmpeg(mono), abs=0.2)


def test_the_standards_own_reference_reads_right():
    assert momentary(sine(997.0, 1.0, dbfs=0.0)) == pytest.approx(-3.01, abs=0.02)


def test_in_pieces_of_any_size_it_measures_the_same():
    mono = pink_noise(2.0, dbfs=-20.0)[: 150 * 512]
    found = []
    for size in (256, 512, len(mono)):
        weighting = KWeighting()
        found.append(np.mean([weighting.power(piece) for piece in mono.reshape(-1, size)]))
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


def test_silence_has_no_power():
    assert KWeighting().power(np.zeros(512, np.float32)) == 0.0
