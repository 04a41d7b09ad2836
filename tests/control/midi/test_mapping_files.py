"""Mapping files: what they may hold, those that ship, and what is learned."""

import pytest

from tests.control.midi.shows import Show
from vjnode.control.midi import mapping_files
from vjnode.control.midi.learn import control_lines, moved
from vjnode.control.midi.mapping_files import add_control, mapping_for, scan_mappings
from vjnode.control.midi.mapping_reader import read_mapping
from vjnode.control.midi.message import Decoder, Source
from vjnode.control.midi.player import MidiCounts, Player
from vjnode.control.parameters import PARAMETERS, find
from vjnode.control.shortcuts import SHORTCUTS
from vjnode.errors import InputError
from vjnode.paths import shipped

SHIPPED = sorted(path.stem for path in shipped("midi").glob("*.toml"))

PORTS = {
    "Akai APC40:APC40 mkII MIDI 1": "apc40_mk2",
    "APC mini mk2:APC mini mk2 Control": "apc_mini_mk2",
    "MIDI Mix:MIDI Mix MIDI 1": "midimix",
    "Launch Control XL:Launch Control XL Launch Contro": "launch_control_xl",
    "Launchpad Mini MK3:Launchpad Mini MK3 LPMiniMK3 MI": "launchpad_mini_mk3",
    "LPMiniMK3 MIDI": "launchpad_mini_mk3",
    "Launchpad Mini MK3:Launchpad Mini MK3 LPMiniMK3 DAW": None,
    "nanoKONTROL2 SLIDER/KNOB": "nanokontrol2",
    "X-TOUCH MINI:X-TOUCH MINI MIDI 1": "xtouch_mini",
    "Midi Through:Midi Through Port-0": None,
}


def written(folder, text):
    path = folder / "desk.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version = 2", "version = 1"),
        ("version = 1\nfoo = 1", "unknown key 'foo'"),
        ('version = 1\n[[control]]\ndo = "gain"', "needs 'on'"),
        ('version = 1\n[[control]]\non = "knob 1"\ndo = "gain"', "begins with one of"),
        ('version = 1\n[[control]]\non = "cc 128"\ndo = "gain"', "within 0 to 127"),
        ('version = 1\n[[control]]\non = "cc14 32"\ndo = "gain"', "within 0 to 31"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gian"', "unknown address"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain/norm"', "takes gain itself"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nrange = [0, 9]', "from 0 to 4"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nrange = [2, 1]', "invert"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nchannel = 17', "within 1 to 16"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nlayer = "up"', "no layer"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nmode = "toggle"', "'mode' for gain"),
        ('version = 1\n[[control]]\non = "bend"\ndo = "gain"\nmode = "relative"', "'mode' for"),
        ('version = 1\n[[control]]\non = "note 7"\ndo = "gain"', "needs the 'value'"),
        ('version = 1\n[[control]]\non = "note 7"\ndo = "face"', "needs the 'value'"),
        (
            'version = 1\n[[control]]\non = "cc 0-3"\ndo = ["gain", "curve", "floor"]',
            "'do' has 3 names, which 4 controls",
        ),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nlight = [0, 128]', "0 to 127"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nlight = [0]', "[off, on]"),
        ('version = 1\n[[control]]\non = "note 7"\ndo = "tap"\nring = true', "'ring' is for"),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nring = [1, 13]', "'ring' is true"),
        (
            'version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nring = true\nlight = [0, 1]',
            "not both",
        ),
        (
            'version = 1\n[[control]]\non = "note 0-9"\ndo = "tap"\nlight = [0, 1, 1, 120]',
            "0 to 127",
        ),
        ('version = 1\n[[control]]\non = "cc 7"\ndo = "gain"\nbank = 2', "'bank' is a name"),
        ('version = 1\nstart = ["nonsense"]', "'start' is bytes"),
        ("version = ", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_its_fault(tmp_path, text, fault):
    with pytest.raises(InputError, match=r"desk\.toml") as refused:
        read_mapping(written(tmp_path, text))
    assert fault in str(refused.value)


def test_one_entry_stands_for_many(tmp_path):
    text = (
        'version = 1\n[[control]]\non = "cc 7"\nchannel = "1-3"\ndo = ["gain", "curve", "floor"]\n'
    )
    told = [
        (one.source, one.does.split()[0]) for one in read_mapping(written(tmp_path, text)).controls
    ]
    assert told == [
        (Source("cc", 1, 7), "gain"),
        (Source("cc", 2, 7), "curve"),
        (Source("cc", 3, 7), "floor"),
    ]


def test_every_parameter_and_all_behind_it_is_a_target_with_its_range(tmp_path):
    """Each address that OSC takes, but for a fader's way, which is what a fader has anyway."""
    lines, wanted = [], []
    for row in PARAMETERS:
        number = len(wanted) % 128
        if row.kind == "float":
            lines.append(f'on = "cc {number}"\nchannel = 1\ndo = "{row.name}"')
            wanted.append((row.name, "set", row.low, row.high))
            continue
        behind = (
            [""]
            if row.kind != "choice"
            else [""] + [f"/{one.verb}" for one in SHORTCUTS if one.kind == "choice" and not one.of]
        )
        for last in behind:
            value = "value = 1" if row.kind == "choice" and not last else ""
            lines.append(f'on = "note {number}"\ndo = "{row.name}{last}"\n{value}')
            wanted.append((row.name, last.removeprefix("/") or "set", 0.0, 1.0))
    path = tmp_path / "all.toml"
    path.write_text("version = 1\n" + "".join(f"[[control]]\n{one}\n" for one in lines))
    read = read_mapping(path).controls
    assert [(c.act.parameter.name, c.act.verb, c.low, c.high) for c in read] == wanted


def test_a_bad_file_is_left_out_and_the_users_replaces_the_shipped_one(tmp_path, caplog):
    theirs, own = tmp_path / "theirs", tmp_path / "own"
    for folder in (theirs, own):
        folder.mkdir()
        (folder / "desk.toml").write_text(f'version = 1\nabout = "{folder.name}"\n', "utf-8")
    (own / "broken.toml").write_text("version = 7", "utf-8")
    assert {name: one.about for name, one in scan_mappings([theirs, own]).items()} == {
        "desk": "own"
    }
    assert "broken.toml" in caplog.text


@pytest.mark.parametrize("name", SHIPPED)
class TestShipped:
    def test_it_is_valid_and_no_control_is_mapped_twice(self, name):
        mapping = read_mapping(shipped("midi", f"{name}.toml"))
        places = [(one.source, one.layer) for one in mapping.controls]
        assert mapping.about
        assert len(places) == len(set(places))

    def test_the_main_things_are_at_hand(self, name):
        mapping = read_mapping(shipped("midi", f"{name}.toml"))
        done = {one.act.parameter.name for one in mapping.controls}
        assert done >= {"gain", "preset", "face", "blackout", "neutral", "freeze", "panic"}

    def test_every_button_does_something_that_there_is(self, name):
        mapping, show = read_mapping(shipped("midi", f"{name}.toml")), Show()
        player = Player(mapping, show, MidiCounts())
        for control in mapping.controls:
            if control.mode in ("toggle", "trigger", "momentary"):
                show.perform(control.act, 1.0)
            elif control.mode == "value" and isinstance(control.value, float):
                assert control.value == int(control.value) or control.act.parameter.kind == "float"
        assert player.lights().keys() == {
            (one.light or one.ring).lamp
            for one in mapping.controls
            if (one.light or one.ring) and not one.layer
        }


LAMPS = {
    "apc40_mk2": {"preset": ("9020", 45, 3), "face": ("9018", 1, 21), "blackout": ("9051", 0, 127)},
    "apc_mini_mk2": {
        "preset": ("9638", 45, 3),
        "face": ("9630", 1, 21),
        "blackout": ("9077", 0, 1),
    },
    "launch_control_xl": {
        "preset": ("9849", 12, 63),
        "face": ("9829", 12, 60),
        "blackout": ("986a", 12, 15),
    },
    "launchpad_mini_mk3": {
        "preset": ("9051", 45, 3),
        "face": ("9047", 1, 21),
        "blackout": ("b013", 1, 5),
    },
    "midimix": {"preset": ("9003", 0, 127), "face": ("9001", 0, 127), "blackout": ("9018", 0, 127)},
    "nanokontrol2": {
        "preset": ("b020", 0, 127),
        "face": ("b030", 0, 127),
        "blackout": ("b02a", 0, 127),
    },
    "xtouch_mini": {"preset": ("9000", 0, 1), "face": ("9008", 0, 1), "blackout": ("9007", 0, 1)},
}
"""Lamps of the first preset, the first face and blackout, as the makers have them: their message,
and its last byte when it is off and on."""


@pytest.mark.parametrize("name", SHIPPED)
def test_lamps_get_the_bytes_that_their_makers_tell(name):
    show = Show()
    player = Player(read_mapping(shipped("midi", f"{name}.toml")), show, MidiCounts())

    def shown():
        lights = {lamp.hex(): last for lamp, last in player.lights().items()}
        return {of: lights[lamp] for of, (lamp, *_) in LAMPS[name].items()}

    off, on = ({of: row[at] for of, row in LAMPS[name].items()} for at in (1, 2))
    assert shown() == {**on, "blackout": off["blackout"]}  # both of them are on as it comes
    show.controls = show.controls.with_(preset="wild", face="birch", blackout=True)
    assert shown() == {**off, "blackout": on["blackout"]}


@pytest.mark.parametrize(
    ("name", "ring", "parameter"),
    [("apc40_mk2", "b030", "channel/1/gain"), ("xtouch_mini", "b009", "dynamics")],
)
def test_rings_show_values(name, ring, parameter):
    show, low, high = Show(), find(parameter).low, find(parameter).high
    player = Player(read_mapping(shipped("midi", f"{name}.toml")), show, MidiCounts())
    ends = []
    for value in (low, high):
        show.controls = show.controls.with_(**{parameter: value})
        ends.append(player.lights()[bytes.fromhex(ring)])
    assert ends == ([0, 127] if name == "apc40_mk2" else [1, 13])


def test_both_layers_of_the_xtouch_mini_have_lamps_and_what_is_for_emergencies():
    show = Show()
    player = Player(read_mapping(shipped("midi", "xtouch_mini.toml")), show, MidiCounts())
    decoder, ring, freeze = Decoder(), b"\xb0\x09", b"\x90\x05"
    show.controls = show.controls.with_(dynamics=0.0, **{"channel/1/gain": 4.0})
    assert player.lights()[ring] == 1
    layers = {"A": "90 0D 7F", "B": "90 25 7F"}  # freeze: its place is the same
    for number, layer in enumerate("BAB", 1):
        player.play(decoder.decode(bytes.fromhex(layers[layer].replace("90", "9A"))))
        assert player.lights()[ring] == (13 if layer == "B" else 1)
        assert show.controls.is_on("freeze") == bool(number % 2)
        assert player.lights()[freeze] == number % 2
    for layer in "AB":
        acts = {one.act.parameter.name for one in player.mapping.controls if one.bank == layer}
        assert acts >= {"panic", "freeze", "neutral", "blackout", "preset", "face"}


@pytest.mark.parametrize("port", PORTS)
def test_controllers_are_known_by_their_names(port):
    known = mapping_for(port, scan_mappings([shipped("midi")]).values())
    assert (known.name if known else None) == PORTS[port]


class TestLearning:
    @pytest.mark.parametrize(
        ("messages", "source"),
        [
            (["B0 07 10", "B0 07 11"], Source("cc", 1, 7)),
            (["B2 01 10", "B2 21 10"], Source("cc14", 3, 1)),
            (["B0 63 02", "B0 62 01", "B0 06 10", "B0 26 00"], Source("nrpn", 1, 257)),
            (["80 24 00", "90 25 40"], Source("note", 1, 37)),
            (["E0 00 10"], Source("bend", 1)),
            (["C0 03"], Source("program", 1)),
            (["F8"], None),
        ],
    )
    def test_a_control_is_known_by_what_it_sends(self, messages, source):
        decoder = Decoder()
        events = [event for one in messages for event in decoder.decode(bytes.fromhex(one))]
        assert moved(events) == source

    def test_it_is_kept_and_replaces_what_was_there(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mapping_files, "config_dir", tmp_path.joinpath)
        port, known = "nanoKONTROL2 SLIDER/KNOB", scan_mappings([shipped("midi")]).values()
        for do in ("curve", "accent"):
            lines = control_lines(Source("cc", 1, 0), find(do), do)
            path, added = add_control(port, lines, known)
            assert added.does.startswith(do)
        mapping = read_mapping(path)
        player = Player(mapping, Show(), MidiCounts())
        assert player.control_of(Source("cc", 1, 0)).act.parameter.name == "accent"
        assert player.control_of(Source("cc", 1, 1)) is not None  # the shipped ones are still there
        assert [one.name for one in path.parent.iterdir()] == ["nanokontrol2.toml"]

    def test_a_stranger_gets_a_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mapping_files, "config_dir", tmp_path.joinpath)
        port = "../Some: Desk (2)"
        path, _ = add_control(port, control_lines(Source("note", 2, 5), find("gain"), "gain"), [])
        assert path == tmp_path / "midi" / "some_desk.toml"
        assert mapping_for(port, [read_mapping(path)]).controls[0].value == 4.0

    def test_what_would_be_wrong_changes_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mapping_files, "config_dir", tmp_path.joinpath)
        lines = control_lines(Source("cc", 1, 7), find("gain"), "gain", mode="toggle")
        with pytest.raises(InputError, match=r"^'mode' for gain"):
            add_control("Desk", lines, [])
        assert not (tmp_path / "midi").exists()
        (tmp_path / "midi").mkdir()
        text = "version = 1\nfoo = 1"
        path = written(tmp_path / "midi", text)
        with pytest.raises(InputError, match=r"desk\.toml is wrong: unknown key 'foo'"):
            add_control("Desk", control_lines(Source("cc", 1, 7), find("gain"), "gain"), [])
        assert path.read_text("utf-8") == text
