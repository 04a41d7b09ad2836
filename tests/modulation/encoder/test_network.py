import re

import numpy as np
import pytest
import torch

from tests.modulation.encoder.encoders import demo_mfcc, untrained
from vjnode.modulation.encoder import network as module
from vjnode.modulation.encoder.input import picture
from vjnode.modulation.encoder.layout import VALUES, histories
from vjnode.modulation.encoder.network import (
    Decoder,
    Encoder,
    Streaming,
    correlation,
    init_least_squares,
    init_principal,
)

WINDOW = 32


def documented():
    """The table of shapes: for the input and each block its cells, by their headings."""
    lines = module.__doc__.splitlines()
    rulers = [i for i, line in enumerate(lines) if line.startswith("=====")]
    columns = [match.span() for match in re.finditer("=+", lines[rulers[0]])]
    rows = [
        [line[start:end].strip() for start, end in columns]
        for line in lines[rulers[0] + 1 : rulers[2]]
        if not line.startswith("=")
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def numbers(cell):
    return tuple(map(int, re.findall(r"\d+", cell)))


def kinds(blocks):
    return [[type(layer).__name__ for layer in block] for block in blocks]


def test_encoder_and_decoder_are_the_eight_blocks_of_the_method():
    for branch in Encoder().children():
        assert kinds(branch) == [["Conv2d", "BatchNorm2d", "ReLU"]] * 8
    assert kinds(Decoder().blocks) == [["ConvTranspose2d", "BatchNorm2d", "ReLU"]] * 8


def test_all_sixteen_blocks_have_the_shapes_that_are_documented():
    rows = documented()
    assert [row["block"] for row in rows] == ["input", *map(str, range(1, 9))]
    encoder, decoder = Encoder().eval(), Decoder().eval()
    described = loud = torch.rand(2, *numbers(rows[0]["encoder"]))
    values = torch.rand(2, VALUES, 1, 1)
    assert tuple(values.shape[1:]) == numbers(rows[0]["decoder"])
    for i, row in enumerate(rows[1:]):
        *kernel, stride = (*numbers(row["kernel"]), 1)[:3]
        for convolution in (encoder.describing[i][0], encoder.intensity[i][0]):
            assert convolution.kernel_size == tuple(kernel)
            assert convolution.stride == (1, stride)
            assert convolution.dilation == (int(row["dilation"]), 1)
        described, loud = encoder.describing[i](described), encoder.intensity[i](loud)
        values = decoder.blocks[i](values)
        assert (described.shape[1], *loud.shape[1:]) == numbers(row["encoder"])
        assert described.shape[2:] == loud.shape[2:]
        assert tuple(values.shape[1:]) == numbers(row["decoder"])


def test_shapes_go_to_512_values_and_back_to_the_mfccs():
    values = Encoder().eval()(torch.rand(4, 3, WINDOW, 32))
    assert values.shape == (4, 1, VALUES)
    assert (values >= 0).all()
    assert Decoder().eval()(values[:, 0]).shape == (4, WINDOW, 13)


def test_sliding_over_a_song_gives_what_each_window_alone_gives():
    encoder, song = untrained().double(), torch.rand(1, 3, 60, 32, dtype=torch.float64)
    with torch.inference_mode():
        together = encoder(song)[0]
        windows = torch.stack([song[0, :, i : i + WINDOW] for i in range(60 - WINDOW + 1)])
        alone = encoder(windows)[:, 0]
    assert together.shape == alone.shape == (29, VALUES)
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)
    assert together.std() > 0.01


def test_the_values_of_a_window_hang_on_nothing_outside_it():
    encoder, song = untrained(), torch.rand(1, 3, 60, 32)
    touched = song.clone()
    touched[:, :, :10] = 0.0
    touched[:, :, 42:] = 1.0
    with torch.inference_mode():
        torch.testing.assert_close(encoder(touched)[0, 10], encoder(song)[0, 10])
        assert (encoder(touched)[0, [9, 11]] != encoder(song)[0, [9, 11]]).any(dim=1).all()


def test_frame_by_frame_gives_the_same_numbers():
    encoder, song = untrained().double(), torch.rand(1, 3, 80, 32, dtype=torch.float64)
    streaming = Streaming(encoder).eval()
    kept, found = [torch.zeros(shape).double() for shape in histories()], []
    with torch.inference_mode():
        for column in song.split(1, dim=2):
            values, *kept = streaming(column, *kept)
            assert [one.shape for one in kept] == [torch.Size(shape) for shape in histories()]
            found.append(values)
        wanted = encoder(song)[0]
    found = torch.cat(found)[WINDOW - 1 :]  # the first windows began before the song
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


def test_what_is_kept_reaches_back_as_far_as_a_window():
    assert sum(columns for _, _, columns, _ in histories()) == 2 * (WINDOW - 1)
    assert histories()[0] == (1, 3, 2, 32)


def song():
    """The demo song as a picture, each MFCC scaled to 0…1, shape (1, 3, t, 32)."""
    mfcc = demo_mfcc()
    low, high = np.percentile(mfcc, (0.1, 99.9), axis=0).astype(np.float32)
    return torch.from_numpy(picture(mfcc, low, high))[None]


def started(sound):
    """An encoder that starts from ``sound``."""
    encoder = Encoder().eval()
    init_principal(encoder.describing, sound.unfold(2, 47, 8)[0].permute(1, 0, 3, 2))
    return encoder


def test_what_describes_the_sound_is_linear_and_leaves_the_mean_alone():
    sound = song()
    encoder, count = started(sound), VALUES // 2
    with torch.inference_mode():
        early, late = sound.chunk(2, dim=2)
        late = late[:, :, : early.shape[2]]
        early = early[:, :, : late.shape[2]]
        one, other, middle = (
            encoder(x)[0, :, :count] for x in (early, late, 0.5 * early + 0.5 * late)
        )
    # What hardly ever falls below zero may do so in a window that the start has not seen.
    assert ((middle - 0.5 * (one + other)).abs() < 1e-3).float().mean() > 0.99
    assert one.std(dim=0).min() > 0.01
    assert (one - one.mean(dim=0)).sum(dim=1).abs().median() < 1e-3


def test_the_decoder_starts_as_what_rebuilds_that_sound_best():
    sound, decoder = song(), Decoder().eval()
    with torch.inference_mode():
        values = started(sound)(sound)[0]
        windows = sound[0, 0, :, :13].unfold(0, WINDOW, 1).transpose(1, 2)
        # Fitted on one part of the song, rebuilt in the other.
        fit = torch.arange(len(values)) // 150 % 2 == 0
        init_least_squares(decoder, values[fit], windows[fit])
        lost = decoder(values[~fit]) - windows[~fit]
    spread = windows[~fit] - windows.mean(dim=(0, 1))
    assert lost.square().sum() < 0.1 * spread.square().sum()


def test_correlation_of_known_vectors():
    x = torch.tensor([1.0, 2.0, 3.0])
    assert float(correlation(x, 5 * x - 2)) == pytest.approx(1.0)
    assert float(correlation(x, torch.tensor([1.0, 3.0, 2.0]))) == pytest.approx(0.5)
    assert float(correlation(x, torch.ones(3))) == 0.0
