"""Controllers that are plugged in and pulled out, for the stand-in for the package."""

from pathlib import Path

STAND_IN = str(Path(__file__).parent)
"""Folder of ``rtmidi2.py``."""


class Plugs:
    """Controllers, as files that the stand-in for the package reads."""

    def __init__(self, folder):
        self.folder = folder

    def plug(self, name, content=""):
        (self.folder / name).write_text(content)

    def send(self, name, message):
        with (self.folder / name).open("a") as file:
            file.write(message + "\n")

    def pull(self, name):
        (self.folder / name).unlink()

    def shown(self, name):
        path = self.folder / f"{name}.out"
        return path.read_text().split() if path.exists() else []
