"""Reasons for which tests are skipped, counted at the end of every run, so that no skip hides.

Each reason is of one of these kinds, or the run fails. In CI a skip that says nothing about the
project, because there was no network or no time, fails the run as well once there are too many.
"""

import os
import re
from collections import Counter

import pytest

KINDS = {
    "too busy": r"too busy to tell",
    "offline": r"(could not|cannot) be fetched",
    "no card": r"no CUDA card here",
    "a card": r"there is a CUDA card here",
    "other processor": r"^this processor has",
    "other Python": r"this is another Python",
    "not allowed": r"needs root|needs Linux, root",
    "other system": r"Windows|glibc|SpoutGL may|syphon-python may|Linux|POSIX|Debian"
    r"|pseudo-terminal|sockets there|keeps its name there|no file size limits|JACK keeps"
    r"|really started there|could not import '(fcntl|termios|resource)'",
    "not installed": r"is not installed|does not start here|^needs a browser|could not import",
    "does not apply": r"^has no ",
}
"""The kinds, each with what its reasons say; the first that fits counts."""

MOST_IN_CI = {"offline": 0, "too busy": 2}


def kind_of(reason):
    """Return the kind of a skip; None where it is of no known one."""
    return next((kind for kind, said in KINDS.items() if re.search(said, reason)), None)


def told(reasons):
    """Return the line that tells how often what was skipped."""
    counts = Counter(kind_of(reason) or "unknown" for reason in reasons)
    always = dict.fromkeys(MOST_IN_CI, 0)
    return "skipped: " + ", ".join(f"{n} {kind}" for kind, n in ({**always, **counts}).items())


def faults(reasons, *, ci):
    """Return what is wrong with these skips, a text each."""
    wrong = [
        f"a skip of no known kind (see tests/skips.py): {reason}"
        for reason in reasons
        if kind_of(reason) is None
    ]
    for kind, most in MOST_IN_CI.items() if ci else ():
        these = [reason for reason in reasons if kind_of(reason) == kind]
        if len(these) > most:
            wrong.append(f"{len(these)} skips in CI because {kind}, at most {most}: {these}")
    return wrong


class SkipCount:
    """The plugin for pytest that counts skips and tells their faults."""

    def __init__(self, config):
        self._plugins = config.pluginmanager

    @property
    def _stats(self):
        return self._plugins.get_plugin("terminalreporter").stats

    @property
    def _reasons(self):
        skipped = self._stats.get("skipped", [])
        return [one.longrepr[2].removeprefix("Skipped: ") for one in skipped]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        """Turn each fault into an error, which the closing line counts."""
        ci = os.environ.get("CI", "").lower() in {"1", "true"}
        for number, wrong in enumerate(faults(self._reasons, ci=ci), 1):
            name = f"skips[{number}]"
            report = pytest.TestReport(
                f"tests/skips.py::{name}", ("tests/skips.py", 0, name), {}, "failed", wrong, "setup"
            )
            self._stats.setdefault("error", []).append(report)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        """Write how often what was skipped, above the closing line."""
        terminalreporter.write_line(told(self._reasons))
