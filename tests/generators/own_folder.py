"""A folder of the user's own for a test, and small generators in it."""

from contextlib import contextmanager

import platformdirs
import pytest

from vjnode.faces.catalogue import forget_own
from vjnode.generators.registry import read_own_generators
from vjnode.generators.stylegan2.checkpoint import random_network, save


@contextmanager
def own_folder(folder):
    """Have vjnode take ``folder`` for the user's, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platformdirs, "user_config_dir", lambda *_, **__: folder)
        forget_own()
        read_own_generators()
        yield folder
    forget_own()
    read_own_generators()


def small_checkpoint(path, size=64, dim=32, seed=0):
    """Write an untrained network, which draws different colours, and return its path."""
    save(path, *random_network(size, most=16, dim=dim, depth=2, seed=seed))
    return path
