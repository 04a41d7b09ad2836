"""Libraries that stages load late, for a process in reserve to import beforehand.

Importing this module loads them. Sound and its encoder need them in every show, so without this
they would be most of what a fault of the audio process costs.
"""

from contextlib import suppress

from vjnode.audio.sources.portaudio import load_pyaudio
from vjnode.errors import SourceError
from vjnode.runtime import load_openvino

load_openvino()
with suppress(SourceError):  # who opens a device will say so
    load_pyaudio()
