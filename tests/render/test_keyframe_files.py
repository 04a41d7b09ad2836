"""Key frames on disk: what a disk that fails for a moment, or is full, does to them."""

import errno
import logging
import os
import threading

import numpy as np
import pytest

from vjnode.render import keyframe_files
from vjnode.render.keyframe_files import FAILURES_IN_A_ROW, REST_S, KeyFiles, encode

SIZE = 16
DATA = encode(np.full((SIZE, SIZE, 4), 200, np.uint8))


class Disk:
    """A disk with a clock, which refuses every file with ``error`` while that is set."""

    def __init__(self):
        self.error, self.tried, self.now_s = None, 0, 1000.0
        self._replace = keyframe_files.replace_file

    def replace_file(self, path, data):
        self.tried += 1
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        self._replace(path, data)


@pytest.fixture
def disk(monkeypatch):
    disk = Disk()
    monkeypatch.setattr(keyframe_files, "replace_file", disk.replace_file)
    return disk


@pytest.fixture
def keys(tmp_path, disk, caplog):
    caplog.set_level("INFO")
    return KeyFiles(tmp_path, SIZE, now_s=lambda: disk.now_s)


def kept(keys):
    return [key for key in range(20) if keys.read("look", key) is not None]


def test_one_key_that_cannot_be_written_does_not_keep_the_others_from_it(keys, disk, caplog):
    """A virus scanner may have its file open."""
    for key in range(12):
        disk.error = errno.EACCES if key % 3 == 1 else None
        keys.keep("look", key, DATA)
    assert kept(keys) == [key for key in range(12) if key % 3 != 1]
    assert "cannot be kept" not in caplog.text


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_no_more_is_left_alone_and_that_is_told(keys, disk, caplog, error):
    keys.keep("look", 0, DATA)
    disk.error = error
    for key in range(1, 9):
        keys.keep("look", key, DATA)
    assert disk.tried == 2
    assert caplog.text.count("cannot be kept") == 1
    assert os.strerror(error) in caplog.text
    assert kept(keys) == [0]  # what is there is still read


def test_when_there_is_room_again_it_goes_on_and_says_so(keys, disk, caplog):
    disk.error = errno.ENOSPC
    keys.keep("look", 0, DATA)
    for _ in range(3):
        disk.now_s += REST_S
        keys.keep("look", 1, DATA)
    assert (disk.tried, caplog.text.count("cannot be kept")) == (4, 1)
    disk.error = None
    keys.keep("look", 2, DATA)
    assert kept(keys) == []
    disk.now_s += REST_S
    for key in (3, 4):
        keys.keep("look", key, DATA)
    assert kept(keys) == [3, 4]
    assert caplog.text.count("are kept in") == 1
    disk.error = errno.ENOSPC
    keys.keep("look", 5, DATA)
    assert caplog.text.count("cannot be kept") == 2


def test_many_failures_in_a_row_are_taken_for_a_disk_that_takes_none(keys, disk, caplog):
    disk.error = errno.EACCES
    for key in range(10):
        keys.keep("look", key, DATA)
    assert disk.tried == FAILURES_IN_A_ROW
    assert caplog.text.count("cannot be kept") == 1


@pytest.mark.parametrize("error", [errno.EACCES, errno.ENOSPC])
def test_nobody_who_keeps_a_key_waits_for_the_log(keys, disk, error):
    """Neither what was refused nor what is written again is told while others have to wait."""
    waited = []

    class Slow(logging.Handler):
        def emit(self, record):
            other = threading.Thread(target=keys.keep, args=("look", 1, DATA), daemon=True)
            log.removeHandler(self)  # the other has nothing to tell
            other.start()
            other.join(10.0)
            waited.append(other.is_alive())

    log = logging.getLogger(keyframe_files.__name__)
    for refused in (error, None):
        disk.error, slow = refused, Slow()
        disk.now_s += REST_S
        log.addHandler(slow)
        keys.keep("look", 0, DATA)
        log.removeHandler(slow)
    assert waited[:1] == [False]
    assert not any(waited)
