"""With the lowest version of every dependency at once, vjnode works as well."""

import sys

import pytest

from tests.early import run
from tests.floors import dependencies, environment, floors

TRIED = (
    "tests/floors_smoke.py",
    "tests/output/test_camera.py",
    "tests/test_paths.py",
    "tests/faces/photo/test_colours.py",
    "tests/control/test_osc.py::test_messages_reach_their_parameter",
    "tests/output/preview/test_output.py::test_live_pictures_are_small",
    "tests/show/oscquery/test_announcement.py::test_programs_find_two_nodes_and_see_each_go",
    "tests/output/record/test_output.py::test_colours_come_back_right",
    "tests/output/record/test_output.py::test_sound_is_in_step_with_the_picture",
    "tests/live/test_window.py::test_every_pixel_is_kept_where_the_sizes_agree",
)


TOOLS = {"mypy", "pytest", "pytest-timeout", "ruff", "selenium", "vjnode"}
"""Packages that only the tests need themselves, in the versions of ``constraints.txt``."""


def test_every_dependency_has_a_lowest_version():
    bare = {one.name for one in dependencies() if ">=" not in str(one.specifier)}
    assert bare == TOOLS


def try_floors():
    if sys.version_info[:2] != (3, 11):
        pytest.skip(
            "the lowest versions are those of the lowest Python, 3.11: this is another Python"
        )
    return run(environment(), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TRIED)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the first time it fetches some hundred megabytes
@pytest.mark.early(work=try_floors)
def test_it_works_with_the_lowest_versions(early):
    assert early.returncode == 0, f"with {floors()}:\n{early.stdout[-8000:]}"
