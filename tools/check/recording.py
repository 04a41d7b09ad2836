"""Decode recordings to their end, and check that picture and sound have the same length.

    python -m tools.check.recording FILE.mp4 …

Exits with 1 if one does not decode, or its sound is shorter or longer than its picture by more
than a frame.
"""

import argparse
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av


@dataclass(frozen=True)
class Recording:
    """Contents of a recording; lengths in s.

    missing: number of frames that are missing, by the times of the others.
    fill_s: excess that the sound may have, because its last packet is filled up with silence.
    """

    picture_s: float
    sound_s: float
    frames: int
    missing: int
    frame_s: float
    fill_s: float

    @property
    def whole(self) -> bool:
        """True if picture and sound have the same length, to a frame."""
        return -self.frame_s <= self.sound_s - self.picture_s <= self.frame_s + self.fill_s

    def __str__(self) -> str:
        return (
            f"picture {self.picture_s:.3f} s, sound {self.sound_s:.3f} s, {self.frames} frames, "
            f"{self.missing} dropped"
        )


def decode(path: Path) -> Recording:
    """Decode the whole file, and return its contents.

    Raises:
        av.error.FFmpegError: it does not decode.
        ValueError: it has no picture or no sound.
    """
    frames, rate = 0, Fraction(0)
    picture_s = sound_s = fill_s = 0.0
    with av.open(str(path)) as file:
        if not (file.streams.video and file.streams.audio):
            raise ValueError("it has no picture or no sound")
        rate = file.streams.video[0].guessed_rate or rate
        for one in file.decode(video=0, audio=0):
            if not isinstance(one, av.VideoFrame | av.AudioFrame):
                continue  # subtitles, of which none are asked for
            begins_s = float((one.pts or 0) * (one.time_base or 0))
            if isinstance(one, av.VideoFrame):
                frames, picture_s = frames + 1, begins_s + float(1 / rate)
            else:
                sound_s = begins_s + one.samples / one.sample_rate
        codec = file.streams.audio[0].codec_context
        if codec.name == "aac":
            fill_s = 1024 / codec.sample_rate
    if not frames:
        raise ValueError("no frame of it decodes")
    missing = round(picture_s * rate) - frames
    return Recording(picture_s, sound_s, frames, missing, float(1 / rate), fill_s)


def check(path: Path) -> bool:
    """Print the contents of the recording ``path``, and return whether it is whole."""
    try:
        found = decode(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        print(f"{path} does not decode: {error}")
        return False
    print(f"{path}: {found}" + ("" if found.whole else "; picture and sound differ"))
    return found.whole


def main() -> int:
    """Check every file, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.recording", description=__doc__.splitlines()[0]
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    results = [check(path) for path in parser.parse_args().files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
