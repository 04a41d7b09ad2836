"""An environment of its own with the lowest versions that ``pyproject.toml`` allows."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vjnode.paths import cache_dir

ROOT = Path(__file__).parents[1]

LEFT_OUT = {
    "onnxruntime-directml": "it is for Windows",
    "pillow-heif": "its lowest version is the one that all other tests run with",
    "pyaudio": "its lowest version is the one that all other tests run with",
    "tensorrt-rtx": "its lowest version is the one that all other tests run with",
}

FOLDER = cache_dir("floors-for-tests")

LINKED = ("torch", "functorch", "torchgen", "triton", "nvidia")
"""PyTorch's packages: its lowest version is that of this environment, and is not fetched twice."""

OFFLINE = r"Retrying \(Retry|NewConnectionError|name resolution|ConnectTimeout|ReadTimeout"


def dependencies():
    """Return all that vjnode and its extras need directly, as they stand in ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


def floors():
    """Return each of them that can be had here as NAME==LOWEST VERSION."""
    found = {}
    for one in dependencies():
        name = canonicalize_name(one.name)
        lowest = [spec.version for spec in one.specifier if spec.operator == ">="]
        if lowest and name not in LEFT_OUT and (one.marker is None or one.marker.evaluate()):
            assert found.setdefault(name, lowest[0]) == lowest[0], f"two lowest versions of {name}"
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def pinned(*names):
    """Return these packages as NAME==VERSION of ``constraints.txt``."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in names]


def environment():
    """Return the Python of that environment, which is made once; skips where it cannot be."""
    wanted = [*floors(), *pinned("pytest", "pytest-timeout")]
    digest = hashlib.sha256("\n".join([sys.version, sys.prefix, *wanted]).encode()).hexdigest()
    folder = FOLDER / digest[:16]
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if ready.exists():
        return python
    for other in folder.parent.iterdir():
        shutil.rmtree(other)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    link_torch(folder)
    install(python, [one for one in wanted if not one.startswith("pip==")])
    install(
        python, [one for one in wanted if one.startswith("pip==")]
    )  # after it has done its work
    ready.touch()
    return python


def link_torch(folder):
    """Let the environment in ``folder`` use the PyTorch of this one."""
    here = Path(importlib.metadata.distribution("torch").locate_file(""))
    (there,) = folder.glob("lib/python*/site-packages")
    for path in here.iterdir():
        name = re.match(r"(\w+?)(_\w+)?(-.*\.dist-info)?$", path.name)
        if name and name.group(1) in LINKED and path.is_dir():
            (there / path.name).symlink_to(path)


def install(python, wanted):
    """Install ``wanted`` there; skips when there is no network, fails when they do not agree."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and re.search(OFFLINE, done.stderr):
        pytest.skip(f"the lowest versions cannot be fetched: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
