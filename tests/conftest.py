"""Set-up of every run: skips are counted, long work begins early, programs heed their signals.

A run under nohup, or in a script's background, ignores some of these signals, and so would the
programs that it starts. With an empty handler instead, this run still ignores them, and a new
program begins without a handler.
"""

import signal

from tests.early import EarlyWork
from tests.skips import SkipCount


def pytest_configure(config):
    config.pluginmanager.register(SkipCount(config))
    config.pluginmanager.register(EarlyWork())
    for name in ("SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
