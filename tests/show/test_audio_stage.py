"""The audio process without a sound."""

from itertools import pairwise

from vjnode.show.audio_stage import RETRY_S, SLOW_RETRY_S, retry_after_s


def test_a_missing_device_is_tried_less_and_less_often():
    now_s, tries = 0.0, []
    while now_s < 3600.0:
        tries.append(now_s)
        now_s += retry_after_s(now_s)
    # Soon after it went it is found at once; for hours nobody is bothered.
    assert sum(one < 2.0 for one in tries) >= 2.0 / RETRY_S
    assert retry_after_s(8.0) < 1.0
    late = [one for one in tries if one >= 60.0]
    assert len(late) <= 3540.0 / SLOW_RETRY_S + 1
    assert max(b - a for a, b in pairwise(tries)) == SLOW_RETRY_S == 2.0
