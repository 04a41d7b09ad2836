"""A real NDI receiver, run in a process of its own: ``python ndi_receiver.py OUT [ADDRESS]``.

It prints one JSON line when it is ready, one with each picture that comes after half a second or
more without, and one with every tenth picture. On SIGTERM it writes to OUT, as .npz:

    received_s (n,), monotonic; timecode_s (n,), when each was handed over, on the same clock;
    first, last (n,): the numbers that the upper- and lowermost torn parts carry (see ``stripes``);
    parts (n,): how many different numbers a picture carries, 1 when it is whole;
    picture (height, width, 4) uint8, the last one, RGBA; and what was declared of it.
"""

import json
import signal
import sys
import time

import numpy as np

BITS = 16
ADDRESS = "127.0.0.1:5961"
GAP_S = 0.5


def stripes(number, size):
    """Return a picture, (size, size, 4) uint8, whose every row carries ``number`` in 16 stripes."""
    bits = (number >> np.arange(BITS)) & 1
    row = np.repeat(bits * 255, size // BITS).astype(np.uint8)
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[..., :3] = row[None, :, None]
    return pixels


def numbers_in(pixels):
    """Return the number that each row of ``pixels`` carries, (height,)."""
    step = pixels.shape[1] // BITS
    bits = pixels[:, step // 2 :: step, 1][:, :BITS] > 127
    return bits @ (1 << np.arange(BITS))


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(out, address=ADDRESS):
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    import NDIlib

    NDIlib.initialize()
    receiver = NDIlib.recv_create_v3(
        NDIlib.RecvCreateV3(
            source_to_connect_to=NDIlib.Source(p_url_address=address),  # that is all it knows
            color_format=NDIlib.RECV_COLOR_FORMAT_RGBX_RGBA,
            bandwidth=NDIlib.RECV_BANDWIDTH_HIGHEST,
            allow_video_fields=True,
        )
    )
    say(ready_s=time.monotonic())
    rows, last, last_s = [], {}, -GAP_S
    while not over:
        kind, video, _, _ = NDIlib.recv_capture_v3(receiver, 50, True, False, False)
        if kind != NDIlib.FRAME_TYPE_VIDEO:
            continue
        now_s = time.monotonic()
        pixels = video.data  # a copy
        last = {
            "picture": pixels,
            "fourcc": video.FourCC.name,
            "rate": (video.frame_rate_N, video.frame_rate_D),
            "progressive": video.frame_format_type == NDIlib.FRAME_FORMAT_TYPE_PROGRESSIVE,
            "aspect": video.picture_aspect_ratio,
        }
        timecode_s = video.timecode * 1e-7 - time.time() + time.monotonic()
        NDIlib.recv_free_video_v2(receiver, video)
        numbers = numbers_in(pixels)
        rows.append((now_s, timecode_s, numbers[0], numbers[-1], len(np.unique(numbers))))
        if now_s - last_s >= GAP_S:
            say(picture_s=now_s)
        elif len(rows) % 10 == 0:
            say(pictures=len(rows))
        last_s = now_s
    table = np.array(rows, np.float64).reshape(-1, 5)
    names = ("received_s", "timecode_s", "first", "last", "parts")
    np.savez(out, **dict(zip(names, table.T, strict=True)), **last)
    NDIlib.recv_destroy(receiver)


if __name__ == "__main__":
    main(*sys.argv[1:])
