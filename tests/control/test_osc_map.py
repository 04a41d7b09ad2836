"""OSC maps, read from files and sent to a real receiver over loopback."""

import socket
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from vjnode.control import osc_map_reader
from vjnode.control.features import FEATURES
from vjnode.control.osc_map import OscMapSender
from vjnode.control.osc_map_reader import RATE, read_map
from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.paths import shipped

HOST = "127.0.0.1"
STOCK = Stock(["ada", "ben"], ["laugh"], {})


class Target:
    """Another program's socket, read with python-osc."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]

    def got(self):
        """Return all that has come; over loopback it is there once it has been sent."""
        found = []
        while True:
            try:
                read = OscMessage(self._socket.recv(4096))
            except BlockingIOError:
                return found
            found.append((read.address, *read.params))

    def close(self):
        self._socket.close()


@pytest.fixture
def target():
    with closing(Target()) as target:
        yield target


@pytest.fixture
def write(tmp_path, target):
    """Write a map to the target with these lines; return its file."""

    def write(*lines, head=""):
        text = f'version = 1\nto = "{HOST}:{target.port}"\n{head}\n'
        text += "".join(f"[[send]]\n{line}\n" for line in lines)
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def sender(write):
    senders = []

    def sender(*lines, head=""):
        read = read_map(str(write(*lines, head=head)))
        senders.append(OscMapSender([read], STOCK.names))
        return senders[-1]

    yield sender
    for one in senders:
        one.close()


CONTROLS = Controls("", "ada", "laugh")


def line(source, more=""):
    return f'from = "{source}"\naddress = "/x"\n{more}'


@pytest.mark.parametrize(
    ("entry", "value", "sent"),
    [
        (("gain", ""), 1.5, 1.5),
        (("gain", "out = [0.0, 1.0]"), 1.0, 0.25),
        (("gain", "out = [1, 0]"), 1.0, 0.75),
        (("gain", "in = [0, 2]\nout = [0, 100]\ntype = 'i'"), 1.25, 62),
        (("gain", "in = [0, 2]\nout = [0, 100]"), 4.0, 100.0),
        (("gain", "in = [0.5, 2]"), 0.0, 0.5),
        (("gain", "type = 's'"), 1.5, "1.5"),
        (("gain", "type = 'T'"), 0.0, False),
        (("gain", "type = 'T'"), 0.5, True),
        (("blackout", ""), True, 1),
        (("blackout", "type = 'T'"), True, True),
        (("blackout", "out = [-1, 1]\ntype = 'f'"), False, -1.0),
        (("face", ""), "ben", "ben"),
        (("face", "type = 'i'"), "ben", 2),
        (("face", "type = 'f'"), "nobody", 0.0),
        (("curve", "type = 'i'\nin = [0.25, 4]\nout = [0, 1e9]"), 4.0, 1000000000),
    ],
)
def test_a_parameter_arrives_as_its_line_says(sender, target, entry, value, sent):
    one = sender(line(*entry))
    one.tell(CONTROLS.with_(**{entry[0]: value}), {}, 0.0)
    ((address, got),) = target.got()
    assert (address, type(got)) == ("/x", type(sent))
    assert got == (pytest.approx(sent) if isinstance(sent, float) else sent)


def test_what_does_not_change_is_sent_once_and_anew_when_that_is_asked_for(sender, target):
    one = sender(line("gain"), line("curve"))
    for gain in (1.0, 1.0, 2.0, 2.0):
        one.tell(CONTROLS.with_(gain=gain), {}, 0.0)
    assert target.got() == [("/x", 1.0), ("/x", 1.0), ("/x", 2.0)]
    one.refresh()
    one.tell(CONTROLS, {}, 0.0)
    assert len(target.got()) == 2
    assert one.summary() == {"sent": 5, "failed": 0}


def test_a_rate_holds_whether_the_value_changes_or_not(sender, target):
    one = sender(line("low"), line("gain", "rate = 10"), head="rate = 20")
    assert one.takes_features
    for tick in range(60):  # one second
        one.tell(CONTROLS, {"low": tick / 60}, 100.0 + tick / 60)
    got = target.got()
    assert 19 <= sum(value != 1.0 for _, value in got) <= 21
    assert 9 <= sum(value == 1.0 for _, value in got) <= 11


def test_what_just_happens_is_sent_as_it_happens_and_let_go_if_asked(sender, target):
    one = sender(
        line("tap", "type = 'T'\nrelease = true"),
        line("onset", "out = [0.0, 127.0]\ntype = 'i'\nrelease = true"),
        line("beat"),
    )
    one.tell(CONTROLS, {}, 0.0)  # what was fired before is not fired again
    assert target.got() == []
    one.tell(CONTROLS.with_(tap=Firing(1, 0.0)), {}, 0.0)
    assert target.got() == [("/x", True)]
    one.happen("onset", 0.5)
    one.happen("beat", 1)
    assert target.got() == [("/x", 64), ("/x", 1)]
    for _ in range(3):
        one.tell(CONTROLS.with_(tap=Firing(1, 0.0)), {}, 0.0)
    assert target.got() == [("/x", False), ("/x", 0)]


def test_a_number_that_means_nothing_is_left_out(sender, target):
    one = sender(line("tempo", "skip = 0\nrate = 0\nin = [20, 500]\nout = [0, 1]"))
    for bpm in (0.0, 116.0, 0.0, 116.0):
        one.tell(CONTROLS, {"tempo": bpm}, 0.0)
    assert target.got() == [("/x", pytest.approx(0.2))]


def test_status_is_told_as_a_text_or_its_place(sender, target):
    one = sender(line("status"), line("status", "type = 'i'"))
    one.tell(CONTROLS, {"status": "resting"}, 0.0)
    assert target.got() == [("/x", "resting"), ("/x", 3)]


def test_a_target_that_takes_nothing_harms_nobody(sender, caplog):
    one = sender(line("gain"))

    class Gone:
        def sendto(self, *_):
            raise OSError(101, "Network is unreachable")

        def close(self):
            pass

    one._socket.close()
    one._socket = Gone()
    for gain in (1.0, 2.0):
        one.tell(CONTROLS.with_(gain=gain), {}, 0.0)
    assert one.summary() == {"sent": 0, "failed": 2}
    assert caplog.text.count("unreachable") == 1


@pytest.mark.parametrize("name", ["resolume", "touchdesigner"])
def test_a_shipped_map_can_go_anywhere_and_sends_all_that_it_names(name, target):
    """Each value arrives at its address within what the other program takes."""
    one = read_map(f"{name},to={HOST}:{target.port}")
    assert {line.target for line in one.lines} == {(HOST, target.port)}
    assert one.about
    with closing(OscMapSender([one], STOCK.names)) as sender:
        levels = {row.name: row.high for row in FEATURES.values() if row.when == "rate"}
        features = {**levels, "status": "live"}
        sender.tell(CONTROLS, features, 0.0)
        for row in FEATURES.values():
            if row.when == "event":
                sender.happen(row.name, 1)
        fired = CONTROLS.with_(tap=Firing(1, 0.0), resync=Firing(1, 0.0))
        sender.tell(fired, features, 0.0)
        got = dict(target.got())
    assert got.keys() == {line.address for line in one.lines}
    if name == "resolume":
        assert all(0.0 <= value <= 1.0 for value in got.values())
    else:
        assert all(isinstance(value, float) for value in got.values())


def test_the_tempo_of_a_shipped_map_is_the_one_in_use():
    """A feature, not the parameter that is 0 while the music is followed."""
    for name in ("resolume", "touchdesigner"):
        tempos = [one.source for one in read_map(name).lines if "tempo/" in f"{one.address}/"]
        tempos += [one.source for one in read_map(name).lines if one.address == "/bpm"]
        assert all(one in FEATURES.values() for one in tempos)
        assert tempos


def test_a_map_of_the_users_own_replaces_a_shipped_one(tmp_path, monkeypatch, write):
    path = write(line("gain"))
    own = tmp_path / "osc"
    own.mkdir()
    path.rename(own / "resolume.toml")
    monkeypatch.setattr(osc_map_reader, "map_folders", lambda: [shipped("osc"), own])
    assert [one.source.name for one in read_map("resolume").lines] == ["gain"]


WRONG = [
    (line("wieght"), "'from' is 'wieght', which is nothing that there is; did you mean 'weight'?"),
    ("address = '/x'", "'from' is None"),
    ("from = 7\naddress = '/x'", "'from' is 7"),
    (line("volume"), "features: level, weight"),
    ("from = 'gain'\naddress = 'x'", "'address' is an OSC address"),
    ("from = 'gain'\naddress = '/x y'", "'address' is an OSC address"),
    (line("gain", "type = 'd'"), "'type' is one of f, i, s, T, not 'd'"),
    (line("gain", "in = [1]"), "'in' is two numbers"),
    (line("gain", "in = [2, 1]"), "turn 'out' round"),
    (line("gain", "out = [0, nan]"), "'out' is a number from"),
    (line("gain", "out = [0, 1]\ntype = 's'"), "a text is not scaled"),
    (line("fps", "out = [0, 1]"), "fps has no range of its own"),
    (line("gain", "rate = 1000"), "'rate' is a number from 0 to 120, not 1000"),
    (line("tap", "rate = 5"), "'rate' is for what has a value all the time"),
    (line("gain", "release = true"), "'release' is for what happens"),
    (line("tap", "release = 1"), "'release' is true or false"),
    (line("gain", "to = 'here'"), "'to' is HOST:PORT"),
    (line("gain", "colour = 1"), "unknown key 'colour'; there are: from, address"),
]


@pytest.mark.parametrize(("entry", "words"), WRONG)
def test_what_is_wrong_in_a_map_is_told_with_its_line(write, entry, words):
    path = write(line("gain"), entry)
    number = path.read_text().splitlines().index("[[send]]", 5) + 1
    with pytest.raises(InputError) as caught:
        read_map(str(path))
    said = str(caught.value)
    assert str(path) in said
    assert f"[[send]] at line {number}: " in said
    assert words in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs 'version = 1'"),
        ("version = 2", "not 2"),
        ("version = 1", "it has 0 [[send]]"),
        ("version = 1\nsend = 3", "written as [[send]]"),
        ("version = 1\nfrom = 'gain'", "unknown key 'from'"),
        ("version = 1\nabout = here\n", "(at line 2"),
        ("version = 1\nto = 7\n[[send]]\nfrom='gain'\naddress='/x'", "'to' is HOST:PORT"),
    ],
)
def test_a_file_that_is_no_map_is_told(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_map(str(path))
    assert words in str(caught.value)


def test_a_map_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(InputError, match="there are: resolume, touchdesigner; or name a file"):
        read_map("resolum")
    with pytest.raises(InputError, match="cannot be read"):
        read_map("nowhere/mine.toml")
    with pytest.raises(InputError, match="'to' is HOST:PORT"):
        read_map("resolume,to=studio")


def test_a_map_to_nowhere_or_to_the_node_itself_is_refused_with_the_remedy():
    one = read_map("resolume")
    with pytest.raises(InputError, match=r"--osc-map resolume,to=HOST:PORT"):
        OscMapSender([one], STOCK.names, own_port=7000)
    lines = tuple(replace(line, target=("no.such.host.invalid", 7000)) for line in one.lines)
    with pytest.raises(InputError, match=r"there is no host no\.such\.host\.invalid"):
        OscMapSender([replace(one, lines=lines)], STOCK.names)


def test_every_parameter_and_feature_can_be_sent(write):
    names = dict.fromkeys([*FEATURES, *(row.name for row in PARAMETERS)])
    for place in range(0, len(names), 400):
        some = list(names)[place : place + 400]
        read = read_map(str(write(*(line(name) for name in some))))
        assert [one.source.name for one in read.lines] == some
        assert all(one.rate in (0.0, RATE) for one in read.lines)


def test_shipped_maps_are_found_where_the_wheel_has_them():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["presets"] == "vjnode/presets"
    assert {path.stem for path in shipped("osc").glob("*.toml")} == {"resolume", "touchdesigner"}
