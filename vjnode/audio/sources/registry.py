"""Opening of the source that ``--audio`` names."""

from vjnode.audio.sources.base import Source
from vjnode.audio.sources.file import FileSource
from vjnode.audio.sources.realtime import Paced
from vjnode.audio.sources.spec import parse_audio
from vjnode.audio.sources.tone import ToneSource
from vjnode.errors import InputError
from vjnode.paths import shipped


def open_source(spec: str, *, live: bool) -> Source:
    """Open the sound that ``spec`` names: ``demo``, ``file:PATH``, ``device[:NAME]``, ``tone``.

    live: deliver files and the tone in real time, and start songs over at their end. Otherwise
        songs are read once, as fast as asked for, and devices are refused.

    Raises:
        InputError: the spec or the file cannot be used.
        SourceError: the device cannot be opened now; it may become available later.
    """
    asked = parse_audio(spec)
    source: Source
    if asked.kind == "device":
        if not live:
            raise InputError(f"{spec} plays in real time only; name a song to render it")
        from vjnode.audio.sources.device import LiveSource  # noqa: PLC0415 - PortAudio is optional

        return LiveSource(asked.name or None, asked.channels)
    if asked.kind == "demo":
        source = FileSource(shipped("demo", "demo.ogg"), loop=live)
    elif asked.kind == "file":
        source = FileSource(asked.name, loop=live, channels=asked.channels)
    else:
        source = ToneSource()
    return Paced(source) if live else source
