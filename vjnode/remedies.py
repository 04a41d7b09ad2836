"""Remedies: commands for error messages, which can be typed unchanged in any shell and any folder.

The commands depend on the way in which vjnode was installed, and on the system. A clone keeps its
packages in an environment of its own, which the ``pip`` of a shell does not use.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePath
from urllib.parse import urlsplit
from urllib.request import url2pathname

_PLAIN = re.compile(r"[\w.:\\/=+\[\]-]+")
"""Pattern of words that need no quotes in any shell on Windows."""


@dataclass(frozen=True)
class Installation:
    """The way in which vjnode was installed, and its system.

    python: path of its interpreter, absolute. script: path of its start script, if it has one.
    clone: the folder that it runs from; None for a wheel.
    known: whether pip has it installed, so that extras can be installed by its name.
    system: as in ``sys.platform``. powershell: whether the shell on Windows is PowerShell.
    root: whether system packages may be installed without asking. apt: whether apt installs them.
    """

    python: PurePath
    script: PurePath | None
    clone: PurePath | None
    known: bool = True
    system: str = "linux"
    powershell: bool = False
    root: bool = False
    apt: bool = True

    def pip(self, *words: str, pinned: bool = True) -> str:
        """Return the command that installs by the pip of vjnode's own environment.

        words: packages and options. pinned: in a clone, use the tested versions.
        """
        constraints: tuple[str, ...] = ()
        if pinned and self.clone is not None:
            constraints = ("-c", str(self.clone / "constraints.txt"))
        return self.typed([str(self.python), "-m", "pip", "install", *constraints, *words])

    def pip_extra(self, name: str) -> str:
        """Return the command that installs an extra of vjnode's.

        The installed vjnode satisfies pip, so that it is neither fetched nor replaced.
        """
        if self.known or self.clone is None:
            return self.pip(f"vjnode[{name}]")
        return self.pip("-e", f"{self.clone}[{name}]")

    def vjnode(self, *words: str) -> str:
        """Return the command that runs this vjnode."""
        begun = (str(self.python), "-m", "vjnode") if self.script is None else (str(self.script),)
        return self.typed([*begun, *words])

    def packages(self, *names: str) -> str:
        """Return the remedy that installs packages of a Linux system; names: as in Debian."""
        if not self.apt:
            return f"install {' and '.join(names)}, or what your system calls them"
        return f"run: {self.as_root('apt-get', 'install', *names)}"

    def as_root(self, *words: str) -> str:
        """Return the command that runs ``words`` as root."""
        return self.typed([*(() if self.root else ("sudo",)), *words])

    def typed(self, words: Sequence[str]) -> str:
        """Return ``words`` as a command line, quoted for this system's shell."""
        if self.system != "win32":
            return shlex.join(words)
        quoted = [word if _PLAIN.fullmatch(word) else f'"{word}"' for word in words]
        # PowerShell would print a program's name in quotes instead of running it.
        call = "& " if self.powershell and quoted[0] != words[0] else ""
        return call + " ".join(quoted)


@cache
def installation() -> Installation:
    """Return the installation of the running vjnode."""
    try:
        told = json.loads(distribution("vjnode").read_text("direct_url.json") or "{}")
        known = True
    except PackageNotFoundError:
        told, known = {}, False
    clone: Path | None = None
    if told.get("dir_info", {}).get("editable"):
        clone = Path(url2pathname(urlsplit(told["url"]).path))
    elif not known:
        clone = Path(__file__).resolve().parents[1]
    python = Path(sys.executable)
    script = python.with_name("vjnode.exe" if sys.platform == "win32" else "vjnode")
    return Installation(
        python,
        script if script.is_file() else None,
        clone,
        known,
        sys.platform,
        powershell="PROMPT" not in os.environ,  # only cmd sets PROMPT
        root=not hasattr(os, "geteuid") or os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None,
    )


def install_extra(name: str) -> str:
    """Return the command that installs the extra ``name`` of pyproject.toml."""
    return installation().pip_extra(name)


def install(*words: str, pinned: bool = True) -> str:
    """Return the command that installs packages beside vjnode; see ``Installation.pip``."""
    return installation().pip(*words, pinned=pinned)


def install_packages(*names: str) -> str:
    """Return the remedy that installs packages of a Linux system; names: as in Debian."""
    return installation().packages(*names)


def run_as_root(*words: str) -> str:
    """Return the command that runs a program of the system as root."""
    return installation().as_root(*words)


def run(*words: str) -> str:
    """Return the command that runs a program of the system."""
    return installation().typed(words)


def run_vjnode(*words: str) -> str:
    """Return the command that runs vjnode with ``words``."""
    return installation().vjnode(*words)
