import pytest

from vjnode.drive.config import DriveConfig
from vjnode.errors import InputError


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused_by_name(bad):
    with pytest.raises(InputError, match="release_s is"):
        DriveConfig(release_s=bad)
