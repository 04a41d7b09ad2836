"""A cache of its own for the tests of engines, in which each graph is exported once."""

import pytest

from vjnode.engines.networks import NETWORKS
from vjnode.paths import cache_dir


@pytest.fixture(scope="session")
def _engine_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    weights = NETWORKS["mobilestylegan"].weights()
    (folder / "models").mkdir()
    (folder / "models" / weights.name).symlink_to(weights)
    return folder


@pytest.fixture
def engine_cache(_engine_cache, monkeypatch):
    """Path of the user's cache within the test: the generator is there, graphs are kept."""
    monkeypatch.setenv("VJNODE_CACHE", str(_engine_cache))
    monkeypatch.delenv("VJNODE_ENGINES", raising=False)
    assert cache_dir() == _engine_cache
    return _engine_cache
