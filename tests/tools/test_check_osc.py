"""The check of OSC and OSCQuery by nonsense, in short; and it finds what it looks for."""

import struct
from types import SimpleNamespace

import pytest

from tools.check import osc
from tools.check.osc import check_datagrams, check_requests, main
from tools.check.osc_client import bundle, message
from tools.check.osc_node import MissError
from tools.check.osc_oracle import NOTHING, RefusedError, messages
from vjnode.control import argument, osc_validation, performing
from vjnode.show.oscquery import server as oscquery_server


def test_bent_datagrams_change_only_what_they_may():
    tally = check_datagrams(6000, seed=3)
    assert tally["datagrams"] == 6000
    assert 1000 < tally["messages refused"] < tally["messages"] - 1000


def test_bent_requests_and_frames_change_only_what_they_may():
    tally = check_requests(1200, seed=3)
    assert tally["HTTP 200"] > 10
    assert tally["WebSocket OSC"] > 100
    assert sum(tally.values()) == 2 * 1200


@pytest.mark.parametrize(
    ("where", "what", "wrong"),
    [
        (osc_validation, "math", SimpleNamespace(isfinite=lambda _: True)),
        (osc_validation, "MAX_DEPTH", 5),
        (osc_validation, "_PATTERN_CHARACTERS", set()),
        (argument, "_NUMBER", argument.re.compile("[0-9_.]+")),
        (performing, "pressed", lambda *_: True),
    ],
)
def test_a_fault_in_what_is_taken_is_found(monkeypatch, where, what, wrong):
    monkeypatch.setattr(where, what, wrong)
    with pytest.raises(MissError, match=r"after:|an exception"):
        check_datagrams(20_000, seed=3)


def test_a_fault_of_the_server_is_found(monkeypatch, capsys):
    def fail(*_):
        raise KeyError("a fault")

    monkeypatch.setattr(oscquery_server.OscQuery, "_told", fail)
    assert main(["--part", "requests", "--requests", "400"]) == 1
    assert "requests: MISSED: " in capsys.readouterr().out


def test_it_prints_what_was_sent(capsys):
    assert main(["--part", "datagrams", "--datagrams", str(osc.BURST)]) == 0
    told = capsys.readouterr().out
    assert "datagrams: as it should be" in told
    assert f"{'datagrams':36} {osc.BURST}" in told


def test_the_oracle_reads_what_another_program_writes():
    whole = bundle(message("/a", "ifs", 1, 0.5, "x"), bundle(message("/b", "[TN]h", 2**40)))
    assert messages(whole) == [("/a", [1, 0.5, "x"]), ("/b", [[True, NOTHING], 2**40])]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"/a\0",
        b"/a\0\0",
        b"/a\0\0,f\0\0" + struct.pack(">f", float("nan")),
        b"/a\0\0,i\0\0\0\0\0",
        b"/a b\0\0\0\0,\0\0\0",
        b"/a\0x,\0\0\0",
        b"/a\0\0,]\0\0",
        b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc",
        bundle(bundle(bundle(bundle(bundle(message("/a")))))),
        message("/a", "T" * 65),
    ],
)
def test_the_oracle_refuses_what_is_none(data):
    with pytest.raises(RefusedError):
        messages(data)
