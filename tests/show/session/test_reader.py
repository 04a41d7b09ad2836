"""Sessions are read back as they were written, and whatever else is in a file is refused."""

import logging
import random
import struct
import zlib

import pytest

from tests.show.session.made import BEGUN_S, HEADER, heard, steered, write_session
from vjnode import __version__
from vjnode.control.state import Stock
from vjnode.errors import InputError
from vjnode.show.session import records
from vjnode.show.session.reader import PAUSE_S, check_looks, is_session, open_session
from vjnode.show.session.recorder import SessionWriter
from vjnode.show.session.records import Encoder, packed, record


def played(session):
    return [(tick.now_s, tick.controls, list(tick.drives)) for tick in session.ticks()]


def test_what_is_read_is_what_was_written(tmp_path):
    path = tmp_path / "set.vjsession"
    written = write_session(path, 40)
    session = open_session(path)
    assert is_session(path)
    assert played(session) == written
    assert (session.header, session.ticks_count, session.lost) == (HEADER, 40, 0)
    assert session.length_s == pytest.approx(39 / 60)
    assert [look.face for look in session.looks] == ["ada", "ben"]
    assert [tick.at_s for tick in session.ticks()] == pytest.approx([n / 60 for n in range(40)])


def test_an_engine_that_was_started_again_is_another_header(tmp_path):
    path = tmp_path / "set.vjsession"
    write_session(path, 3)
    path.write_bytes(path.read_bytes()[:-7])  # it died while it wrote
    with SessionWriter(path, HEADER, again=True) as writer:
        writer.tick(BEGUN_S + 2.5, steered(0), [])
    headers = [tick.header for tick in open_session(path).ticks()]
    assert len(headers) == 3
    assert headers[0] is headers[1]
    assert headers[1] is not headers[2]


def test_a_laptop_that_slept_is_no_hour_of_a_still_picture(tmp_path):
    path = tmp_path / "set.vjsession"
    with SessionWriter(path, HEADER) as writer:
        for at_s in (0.0, 1.0, 5000.0, 5001.0):
            writer.tick(at_s, steered(0), [])
    assert open_session(path).length_s == 1.0 + PAUSE_S + 1.0


def test_cut_off_at_any_byte_what_is_whole_is_played_or_it_is_an_error(tmp_path, caplog):
    caplog.set_level(logging.ERROR)  # hundreds of warnings
    path = tmp_path / "set.vjsession"
    written = write_session(path, 4)
    data, lengths = path.read_bytes(), set()
    first = data.index(b"T\x08\0\0\0")  # before it lie all controls, which take long
    for end in (*range(0, first, 97), *range(first - 400, len(data))):
        path.write_bytes(data[:end])
        if not has_a_tick(data[:end]):
            with pytest.raises(InputError, match="holds nothing that can be played"):
                open_session(path)
            continue
        session = open_session(path)
        lengths.add(session.ticks_count)
        assert played(session) == written[: session.ticks_count]
    assert lengths == set(range(1, 4))


def has_a_tick(data):
    """Return whether a session has a whole tick."""
    return b"T\x08\0\0\0" in data[:-12]


def test_damage_is_told_with_its_place(tmp_path, caplog):
    path = tmp_path / "set.vjsession"
    write_session(path, 60)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    session = open_session(path)
    assert 0 < session.ticks_count < 60
    assert "checksum is wrong" in caplog.text
    assert f"of {len(data)}" in caplog.text
    assert f"the {session.length_s:.1f} s before that are played" in caplog.text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends within its beginning"),
        (b"RIFF" + bytes(200), "is no session"),
        (records.MAGIC, "ends before the first tick"),
        (records.NAME + b"\x07", "of version 7"),
        (records.MAGIC + record(b"T", struct.pack("<d", 1.0)), "header is missing"),
        (records.MAGIC + b"H\xff\xff\xff\xff", "longer than any"),
        (records.MAGIC + record(b"H", b"[" * 60000), "not readable"),
        (records.MAGIC + record(b"H", b"[]"), "not what its kind says"),
        (records.MAGIC + record(b"H", b'{"size": 256}'), "header is not valid"),
    ],
)
def test_what_is_no_session_is_an_error(tmp_path, data, why):
    path = tmp_path / "set.vjsession"
    path.write_bytes(data)
    with pytest.raises(InputError, match=why):
        open_session(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_session(tmp_path / "nothing")
    assert not is_session(tmp_path / "nothing")


GOOD = Encoder().header(HEADER) + Encoder().tick(1.0, steered(0), [])
"""Header and first tick of a session."""


def floats(*numbers):
    return struct.pack(f"<{len(numbers)}d", *numbers)


def values(given, glides=b"{}", way=b"null"):
    """Return the content of a record of controls."""
    return b'{"values": %b, "motion": {"glides": %b, "way": %b}}' % (given, glides, way)


@pytest.mark.parametrize(
    "content",
    [
        (b"T", floats(float("nan"))),
        (b"T", floats(1e300)),
        (b"T", floats(0.5)),  # earlier than the one before
        (b"T", b"short"),
        (b"X", b""),
        (b"A", b"\xff\xfe"),
        (b"A", values(b'{"gain": 99}')),
        (b"A", values(b'{"gain": NaN}')),
        (b"A", values(b'{"gain": 1' + b"0" * 400 + b"}")),
        (b"A", values(b'{"gain": true}')),
        (b"A", values(b'{"face": 3}')),
        (b"A", values(b'{"face": "' + b"x" * 300 + b'"}')),
        (b"A", values(b'{"freeze": 1}')),
        (b"A", values(b'{"tap": [1]}')),
        (b"A", values(b'{"tap": [-1, 2.0]}')),
        (b"A", b"[1]"),
        (b"A", b'{"values": {}}'),
        (b"A", values(b"{}", b"[]")),
        (b"A", values(b"{}", b'{"gain": [0.0, 1.0, 0.0, "even"]}')),
        (b"A", values(b"{}", b'{"gain": [0.0, 1.0, 2.0, "odd"]}')),
        (b"A", values(b"{}", b'{"gain": [NaN, 1.0, 2.0, "even"]}')),
        (b"A", values(b"{}", b"{}", b'[1.0, ["even"]]')),
        (b"A", values(b"{}", b"{}", b'[-1.0, "even"]')),
        (b"D", b"short"),
        (b"D", b"\xff" * len(packed(heard(0)))),
        (b"D", packed(heard(0)).replace(floats(0.4), floats(9.0))),
    ],
    ids=str,
)
def test_a_record_with_a_checksum_is_not_believed_either(tmp_path, content, caplog):
    path = tmp_path / "set.vjsession"
    tail = record(*content) + record(b"T", floats(2.0))
    path.write_bytes(records.MAGIC + GOOD + tail)
    assert open_session(path).ticks_count == 1
    assert "is damaged" in caplog.text


def test_bytes_at_random_raise_nothing_else(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    path = tmp_path / "set.vjsession"
    write_session(path, 8)
    good, chance = path.read_bytes(), random.Random(5)
    for trial in range(600):
        if trial % 3 == 0:
            data = records.MAGIC[: chance.randrange(20)] + chance.randbytes(chance.randrange(500))
        else:
            data = bytearray(good)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(records.MAGIC), len(data))] = chance.randrange(256)
            if trial % 3 == 2:
                data = with_checksums(data)
        path.write_bytes(data)
        try:
            session = open_session(path)
        except InputError:
            continue
        assert len(played(session)) == session.ticks_count


def with_checksums(data):
    """Return a session whose records all have the right checksum, as far as there are any."""
    made, at = bytes(data[: len(records.MAGIC)]), len(records.MAGIC)
    while len(data) - at >= 9:
        (length,) = struct.unpack_from("<I", data, at + 1)
        end = at + 5 + length
        if end + 4 > len(data):
            break
        made += bytes(data[at:end]) + struct.pack("<I", zlib.crc32(data[at:end]))
        at = end + 4
    return made + bytes(data[at:])


def test_what_has_gone_is_told(tmp_path, caplog):
    path = tmp_path / "set.vjsession"
    gone = record(b"A", values(b'{"face": "ada", "expression": "laugh", "sparkle": 1}'))
    header = Encoder().header(HEADER)
    path.write_bytes(records.MAGIC + header + gone + record(b"T", floats(1.0)))
    session = open_session(path)
    assert next(session.ticks()).controls.choice("face") == "ada"
    assert "sparkle" in caplog.text
    assert f"of vjnode {HEADER.vjnode}; pictures may differ" in caplog.text or (
        HEADER.vjnode == __version__
    )
    check_looks(session, Stock(["ada"], ["laugh", "brows_up", "blink"]))
    with pytest.raises(InputError, match="not there: ada, laugh"):
        check_looks(session, Stock(["ben"], ["brows_up", "blink"]))


def test_the_layout_is_that_of_the_version():
    """Whoever changes it has to read the old one as well, or to raise VERSION, and then this."""
    encoder = Encoder()
    data = encoder.header(HEADER)
    encoder.tick(1.0, steered(0), [])
    data += encoder.tick(1.5, steered(5), [packed(heard(3))])
    assert (records.VERSION, zlib.crc32(data)) == (1, 1101347558)
