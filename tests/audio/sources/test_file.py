import wave

import av
import numpy as np
import pytest

from tests.audio.sounds import LAYOUTS, peak, sine, write_wav
from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ
from vjnode.audio.sources.file import FileSource
from vjnode.errors import InputError, SourceError


def read_all(source):
    blocks = []
    while (block := source.read()) is not None:
        blocks.append(block)
    return blocks


def pcm_of(path):
    return np.concatenate([block.pcm for block in read_all(FileSource(path, loop=False))])


def test_a_wav_comes_back_sample_for_sample_and_is_padded_at_its_end(tmp_path):
    pcm = np.stack([sine(440, 0.1), sine(330, 0.1)], axis=1)
    blocks = read_all(FileSource(write_wav(tmp_path / "a.wav", pcm), loop=False))
    heard = np.concatenate([block.pcm for block in blocks])
    assert len(blocks) == -(-len(pcm) // BLOCK)
    np.testing.assert_array_equal(heard[: len(pcm)], pcm)
    np.testing.assert_array_equal(heard[len(pcm) :], 0.0)
    assert all(block.pcm.dtype == np.float32 for block in blocks)
    assert blocks[0].t_s == blocks[0].captured_s == BLOCK_S
    assert blocks[-1].t_s == pytest.approx(len(pcm) / RATE_HZ)


def test_a_loop_has_no_gap_and_its_position_wraps(tmp_path):
    pcm = np.linspace(-0.5, 0.5, 650, dtype=np.float32)  # no multiple of a block
    source = FileSource(write_wav(tmp_path / "a.wav", pcm), loop=True)
    blocks = [source.read() for _ in range(9)]
    heard = np.concatenate([block.pcm[:, 0] for block in blocks])
    np.testing.assert_array_equal(heard, np.resize(pcm, 9 * BLOCK))
    assert blocks[2].t_s == pytest.approx((3 * BLOCK - 650) / RATE_HZ)
    assert blocks[8].captured_s == pytest.approx(9 * BLOCK_S)


def test_a_song_shorter_than_a_block_loops_too(tmp_path):
    pcm = np.linspace(-0.5, 0.5, 100, dtype=np.float32)
    source = FileSource(write_wav(tmp_path / "a.wav", pcm), loop=True)
    heard = np.concatenate([source.read().pcm[:, 0] for _ in range(3)])
    np.testing.assert_array_equal(heard, np.resize(pcm, 3 * BLOCK))


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000])
def test_any_rate_and_channel_count_becomes_44100_stereo(tmp_path, rate_hz, channels):
    tone = sine(440, 0.5, rate_hz=rate_hz)
    path = write_wav(
        tmp_path / "a.wav", np.repeat(tone[:, None], channels, axis=1), rate_hz=rate_hz
    )
    heard = pcm_of(path)
    assert abs(len(heard) - RATE_HZ / 2) <= BLOCK
    for side in heard[2000:20_000].T:
        hz, dbfs = peak(side)
        assert hz == pytest.approx(440, abs=1)
        assert dbfs == pytest.approx(-6.0, abs=0.1)


@pytest.mark.parametrize("codec", ["u8", "s16le", "s24le", "s32le", "f64le", "f32be", "alaw"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_any_type_of_sample_keeps_its_level(tmp_path, codec, channels):
    path = tmp_path / "a.nut"
    layout = LAYOUTS[channels - 1]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(f"pcm_{codec}", rate=48_000, layout=layout)
        packed = np.repeat(sine(440, 0.5, rate_hz=48_000), channels)[None]
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate = 48_000
        for piece in av.AudioResampler(stream.format, layout, 48_000).resample(frame):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    assert peak(pcm_of(path)[2000:20_000, 0]) == pytest.approx((440, -6.0), abs=0.5)


@pytest.mark.parametrize("channels", [1, 2, 5, 8, 12])
def test_channels_that_nobody_named_are_all_heard(tmp_path, channels):
    for loud in range(channels):
        pcm = np.zeros((22_050, channels), np.int16)
        pcm[:, loud] = 32_000 * sine(440, 0.5, dbfs=0.0)
        with wave.open(str(tmp_path / "a.wav"), "wb") as song:
            song.setparams((channels, 2, RATE_HZ, 0, "NONE", ""))
            song.writeframes(pcm.tobytes())
        assert peak(pcm_of(tmp_path / "a.wav").max(axis=1))[1] > -30.0


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp3", "libmp3lame"), ("m4a", "aac"), ("flac", "flac")]
)
def test_compressed_formats_are_read(tmp_path, suffix, codec):
    path = tmp_path / f"song with spaces: {suffix}.{suffix}"
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="stereo")
        resampler = av.AudioResampler(stream.format, "stereo", RATE_HZ, stream.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(np.stack([sine(440, 1.0)] * 2), "fltp", "stereo")
        frame.sample_rate = RATE_HZ
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    heard = pcm_of(path)
    assert np.sqrt(np.mean(heard[4096:-4096] ** 2)) == pytest.approx(0.501 / np.sqrt(2), rel=0.05)


def test_what_is_no_song_is_refused_with_its_reason(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with wave.open(str(tmp_path / "nothing.wav"), "wb") as silent:
        silent.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
    for name, reason in {
        "missing.wav": "there is no file",
        ".": "is a folder",
        "empty.wav": "is empty",
        "noise.mp3": "cannot be read as media|holds no sound",
        "film.mp4": "has no audio stream",
        "nothing.wav": "holds no sound|cannot be read",
    }.items():
        with pytest.raises(InputError, match=reason):
            FileSource(tmp_path / name, loop=False)


def test_a_damaged_song_plays_as_far_as_it_can(tmp_path):
    whole = write_wav(tmp_path / "a.wav", sine(440, 1.0)).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    blocks = read_all(FileSource(tmp_path / "cut.wav", loop=False))
    assert 0.4 < blocks[-1].captured_s < 0.6


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_bad_samples_in_a_file_spoil_nothing_but_themselves(tmp_path, rate_hz):
    pcm = sine(440, 0.5, rate_hz=rate_hz)
    clean = pcm_of(write_wav(tmp_path / "a.wav", pcm, rate_hz=rate_hz))
    pcm[1000:1004] = (np.nan, np.inf, -np.inf, 1e30)
    heard = pcm_of(write_wav(tmp_path / "a.wav", pcm, rate_hz=rate_hz))
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    np.testing.assert_array_equal(heard[1100:], clean[1100:])


def test_a_looped_song_that_is_deleted_is_a_lost_source(tmp_path):
    path = write_wav(tmp_path / "a.wav", sine(440, 0.1))
    source = FileSource(path, loop=True)
    path.unlink()
    with pytest.raises(SourceError, match="started over"):
        list(iter(source.read, None))


def test_closing_twice_is_harmless(tmp_path):
    source = FileSource(write_wav(tmp_path / "a.wav", sine(440, 0.1)), loop=False)
    source.close()
    source.close()
