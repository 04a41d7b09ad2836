"""Folders of a user who makes faces from photos."""

import pytest

from tests.caches import with_models
from tests.photos import portrait
from vjnode.faces import catalogue, own, removal


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The user's configuration folder, and a cache."""
    folder = tmp_path_factory.mktemp("home")
    portrait()  # the graph that draws it is kept in the user's own cache
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VJNODE_CACHE", str(with_models(folder / "cache")))
        for module in (catalogue, own, removal):
            patch.setattr(module, "config_dir", (folder / "config").joinpath)
        catalogue.forget_own()
        yield folder
    catalogue.forget_own()
