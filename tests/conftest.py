"""Set-up of every run: no skip hides, and programs heed the signals that end a program.

A run under nohup, or in a script's background, ignores some of these signals, and so would the
programs that it starts. With an empty handler instead, this run still ignores them, and a new
program begins without a handler.
"""

import signal

from tests.skips import SkipCount


def pytest_configure(config):
    config.pluginmanager.register(SkipCount(config))
    for name in ("SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
