"""Every kind of output holds the contract."""

import os
from pathlib import Path

import pytest

from tests.output import fake_camera, fake_spout, fake_syphon
from tests.output.contract import Kind, OutputContract
from tests.output.network import ndi_network
from tests.output.window.screen import a_screen
from vjnode.errors import InputError
from vjnode.output.registry import KINDS, parse_output

UNDER_TEST = (
    Kind("null", lambda _: ""),
    Kind("record", lambda folder: str(folder / "out.mp4"), str(Path("/nowhere/out.mp4"))),
    Kind("camera", lambda _: "", "/dev/none", fake_camera.installed),
    Kind("preview", lambda _: "127.0.0.1:0", "127.0.0.1:none"),
    Kind("window", lambda _: "", within=a_screen),
    Kind("ndi", lambda _: f"test {os.getpid()}", "a/b", ndi_network),
    Kind("spout", lambda _: "Face", "a\\b", fake_spout.installed),
    Kind("syphon", lambda _: "Face", "x" * 201, fake_syphon.installed),
)


class TestOutputs(OutputContract):
    @pytest.fixture(params=UNDER_TEST, ids=lambda kind: kind.name)
    def kind(self, request):
        return request.param


def test_every_kind_is_under_test():
    assert {kind.name for kind in UNDER_TEST} == set(KINDS)


@pytest.mark.parametrize(("text", "part"), [("spuot", "preview"), ("record", "record:PATH")])
def test_what_cannot_be_read_is_refused_with_what_can(text, part):
    with pytest.raises(InputError, match=part):
        parse_output(text)
