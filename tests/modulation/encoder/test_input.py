import numpy as np

from vjnode.modulation.encoder.input import FRAMES, picture


def test_the_window_becomes_a_padded_square_in_three_channels():
    mfcc = np.zeros((FRAMES, 13), np.float32)
    mfcc[31, 0] = -4.0
    mfcc[31, 12] = 9.0
    low, high = np.full(13, -8.0, np.float32), np.full(13, 8.0, np.float32)
    square = picture(mfcc, low, high)
    assert square.shape == (3, 32, 32)
    assert square.dtype == np.float32
    assert (square[:, :, 13:] == 0.0).all()
    assert (square[:, 31, 0] == 0.25).all()
    assert (square[:, 31, 12] == 1.0).all()  # clipped
    assert (square[:, 0, :13] == 0.5).all()
