"""Freed memory is kept: what is made anew in its place costs no clearing by the kernel."""

import platform
import subprocess
import sys

import pytest

CHILD = """
import resource
import sys
from vjnode.system.memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytes(b"x") * (64 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_a_large_block_in_the_place_of_one_that_was_freed_is_not_cleared_again():
    def run(how):
        done = subprocess.run([sys.executable, "-c", CHILD, how], capture_output=True, check=True)
        return int(done.stdout)

    assert run("kept") < 100 < run("given back")
