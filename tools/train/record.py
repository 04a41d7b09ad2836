"""Record of a training: its progress, and the versions that it was run with."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Progress:
    """Progress stored in a checkpoint beside the weights. minutes: run time over all runs."""

    step: int = 0
    minutes: float = 0.0
    losses: list[float] = field(default_factory=list)


def commit() -> str:
    """Return the commit of the training code; ``+`` marks uncommitted changes."""
    git = ["git", "-C", str(Path(__file__).parent)]
    head = subprocess.run(  # noqa: S603
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    dirty = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False)  # noqa: S603
    return head.stdout.strip() + ("+" if dirty.returncode else "")
