"""The one place that knows what ``--audio`` can name."""

from vjnode.audio.file import FileSource
from vjnode.audio.pacing import Paced
from vjnode.audio.source import Source
from vjnode.audio.tone import ToneSource
from vjnode.errors import InputError
from vjnode.storage import shipped

SPECS = "demo, file:PATH, device, device:NAME or tone"


def open_source(spec: str, *, live: bool) -> Source:
    """Open the sound that ``spec`` names: ``demo``, ``file:PATH``, ``device[:NAME]``, ``tone``.

    live: hand out files and the tone in real time, and start songs over at their end.
        Otherwise songs are read once, as fast as asked for, and devices are refused.

    Raises:
        InputError: the spec or the file cannot be used.
        SourceError: the device cannot be opened; it may be there later.
    """
    kind, _, rest = spec.partition(":")
    source: Source
    if spec == "demo":
        source = FileSource(shipped("demo", "demo.ogg"), loop=live)
    elif kind == "file" and rest:
        source = FileSource(rest, loop=live)
    elif spec == "tone":
        source = ToneSource()
    elif kind == "device":
        if not live:
            raise InputError(f"{spec} plays in real time only; name a song to render it")
        from vjnode.audio.live import LiveSource  # noqa: PLC0415 - PortAudio is optional

        return LiveSource(rest or None)
    else:
        raise InputError(f"there is no sound source {spec!r}; use {SPECS}")
    return Paced(source) if live else source
