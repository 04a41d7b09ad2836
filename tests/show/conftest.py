"""Real shows for the tests of this folder."""

import pytest

from tests.show.process import shows_in


@pytest.fixture
def start(tmp_path):
    with shows_in(tmp_path) as start:
        yield start
