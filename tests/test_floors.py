"""With the lowest version of every dependency at once, vjnode works as well."""

import subprocess
import sys

import pytest

from tests.floors import ROOT, dependencies, environment, floors

TRIED = (
    "tests/floors_smoke.py",
    "tests/output/test_camera.py",
    "tests/test_paths.py",
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


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the first time it fetches some hundred megabytes
def test_it_works_with_the_lowest_versions():
    if sys.version_info[:2] != (3, 11):
        pytest.skip(
            "the lowest versions are those of the lowest Python, 3.11: this is another Python"
        )
    command = [environment(), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TRIED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"with {floors()}:\n{done.stdout[-8000:]}"
