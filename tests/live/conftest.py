"""Fixtures with which tests start shows, and the outputs of those."""

import os
import warnings
from contextlib import ExitStack

import pytest

from tests.output.network import ndi_network
from tests.show.process import shows_in


@pytest.fixture
def start(tmp_path):
    with shows_in(tmp_path) as begin:

        def start(*arguments, **settings):
            show = begin(*arguments, **settings)
            show.wait_until_live()
            return show

        yield start


@pytest.fixture
def watched():
    """The outputs that others watch, all that can be had here, as the process list names them."""
    outputs = ["preview:127.0.0.1:0"]
    with ExitStack() as stack:
        try:
            stack.enter_context(ndi_network())
            outputs.append(f"ndi:test {os.getpid()}")
        except pytest.skip.Exception as why:
            warnings.warn(f"played without NDI: {why}", stacklevel=2)  # pytest tells it at its end
        yield outputs
