"""HAP: pictures as textures, which media servers hand to the graphics card as they are.

A picture is compressed in blocks of 4 × 4 px, by BC1 or, with alpha, BC3, and that by Snappy.
Format: github.com/Vidvox/hap, documentation/HapVideoDRAFT.md. FFmpeg decodes it, but PyAV's wheels
have no encoder.
"""

import io
from fractions import Fraction
from types import ModuleType
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream

from vjnode.errors import OutputError
from vjnode.output.record.codecs import Codec
from vjnode.remedies import install_extra

SIDE_PX = 4
"""Side of a block: sizes are its multiples."""

_TAGS = {False: "Hap1", True: "Hap5"}
"""Codes of the codec in a container, without and with alpha."""

_BC1, _BC3 = 0x0B, 0x0E
_SNAPPY = 0xB0
_LONG = 1 << 24


class HapEncoder:
    """Encodes the pictures of one file.

    Raises:
        OutputError: the extra ``hap`` is not installed, or a size is no multiple of 4.
    """

    def __init__(self, codec: Codec, *, size: int, fps: Fraction) -> None:
        self._etcpak, self._cramjam = _packages()
        if size % SIDE_PX:
            raise OutputError(
                f"HAP stores blocks of {SIDE_PX} px, and {size} px is no multiple of that; "
                f"record at size={size - size % SIDE_PX}"
            )
        self._alpha, self._size, self._fps = codec.alpha, size, fps
        self._stream: av.VideoStream

    def add_stream(self, container: OutputContainer) -> av.VideoStream:
        """Add the stream of its pictures to a container."""
        # The code of a stream without an encoder can only be set where it has a decoder's context,
        # which comes with a stream that was read.
        with av.open(io.BytesIO(self._smallest_file())) as read:
            stream = container.add_stream_from_template(read.streams.video[0], opaque=True)
        stream.codec_context.codec_tag = _TAGS[self._alpha]
        stream.time_base = 1 / self._fps
        self._stream = stream
        return stream

    def encode(self, picture: av.VideoFrame | None) -> list["av.Packet[Any]"]:
        """Return the packet of a picture, RGBA; None, the end, gives no further one."""
        if picture is None:
            return []
        assert picture.pts is not None  # noqa: S101 - whoever makes pictures sets it
        return [self._packet(picture.to_ndarray().tobytes(), picture.pts, self._stream)]

    def _smallest_file(self) -> bytes:
        """Return a file with one black picture."""
        file = io.BytesIO()
        with av.open(file, "w", format="mov") as container:
            stream = container.add_mux_stream(
                "hap", rate=self._fps, width=self._size, height=self._size
            )
            container.mux(self._packet(bytes(4 * self._size**2), 0, stream))
        return file.getvalue()

    def _packet(self, rgba: bytes, pts: int, stream: Stream) -> "av.Packet[Any]":
        compress = self._etcpak.compress_bc3 if self._alpha else self._etcpak.compress_bc1
        blocks = compress(rgba, self._size, self._size)
        texture = bytes(self._cramjam.snappy.compress_raw(blocks))
        kind = _SNAPPY | (_BC3 if self._alpha else _BC1)
        length = len(texture)
        head = (length if length < _LONG else 0).to_bytes(3, "little") + bytes([kind])
        if length >= _LONG:
            head += length.to_bytes(4, "little")
        packet = av.Packet(head + texture)
        packet.stream = stream
        packet.pts = packet.dts = pts
        packet.duration, packet.time_base = 1, 1 / self._fps
        packet.is_keyframe = True
        return packet


def _packages() -> tuple[ModuleType, ModuleType]:
    try:
        import cramjam  # noqa: PLC0415 - an extra
        import etcpak  # noqa: PLC0415
    except ImportError as error:
        raise OutputError(
            f"cannot record HAP: {error.name} is missing; run: {install_extra('hap')}"
        ) from error
    return etcpak, cramjam
