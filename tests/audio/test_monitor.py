import sys

from vjnode.audio.monitor import Speakers
from vjnode.remedies import install_extra


def test_without_pyaudio_nothing_is_played_and_the_reason_is_logged(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    caplog.set_level("INFO")
    assert Speakers.open() is None
    assert install_extra("live") in caplog.text
