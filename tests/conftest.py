"""What all tests rely on: no skip hides, and programs heed the signals that end a program.

A run under nohup, or in a script's background, ignores some of them, and so would what it starts.
With a handler instead this run goes on ignoring them, and a new program begins without one.
"""

import signal

from tests.skips import SkipCount


def pytest_configure(config):
    config.pluginmanager.register(SkipCount(config))
    for name in ("SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
