import random
import struct

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from vjnode.control.osc_validation import MAX_BYTES, MalformedError, check_datagram


def message(address: str = "/vjnode/gain", *values: object) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def bundle(*elements: bytes) -> bytes:
    body = b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return b"#bundle\0" + struct.pack(">Q", 1) + body


@pytest.mark.parametrize(
    "good",
    [
        message("/vjnode/gain", 1.5),
        message("/vjnode/face", "ada"),
        message("/vjnode/face", 3, 2.0, True, None, b"blob"),
        message("/a"),
        bundle(),
        bundle(message("/vjnode/gain", 1.0), message("/vjnode/face", "ada")),
        bundle(bundle(message("/vjnode/gain", 1.0))),
        message("/vjnode/face", "grüße"),
        message("/vjnode/gain", [1.5]),
        b"/vjnode/tap\0,I\0\0",
        b"/vjnode/face\0\0\0\0,S\0\0ada\0",
    ],
)
def test_what_controllers_send_passes(good):
    for one in check_datagram(good):
        assert OscMessage(one).address.startswith("/")


def test_symbols_are_read_as_strings_and_impulses_as_nothing():
    impulse, symbol = b"/t\0\0,I\0\0", b"/SI\0,S\0\0SI\0\0"
    first, second = map(OscMessage, check_datagram(bundle(impulse, bundle(symbol))))
    assert (first.address, first.params) == ("/t", [None])
    assert (second.address, second.params) == ("/SI", ["SI"])


def test_a_bundle_from_the_library_passes():
    builder = OscBundleBuilder(IMMEDIATELY)
    inner = OscMessageBuilder("/vjnode/gain")
    inner.add_arg(0.5)
    builder.add_content(inner.build())
    check_datagram(builder.build().dgram)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "multiple of 4"),
        (b"/ab", "multiple of 4"),
        (b"\xff" * 8, "neither"),
        (b"#bundle\0", "time tag"),
        (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", -4), "-4 bytes"),
        (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 0), "0 bytes"),
        (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 2**31 - 4), "2147483644 bytes"),
        (bundle(bundle(bundle(bundle(bundle(message()))))), "nested"),
        (message("/vjnode/*", 1.0), "pattern"),
        (message("/vjnode/{gain,face}", 1.0), "pattern"),
        (b"/\xff\xfe\0,f\0\0\0\0\0\0", "UTF-8"),
        (b"/abc", "without an end"),
        (b"/a\0\0", "no type tags"),
        (b"/a\0\0f\0\0\0\0\0\0\0", "comma"),
        (b"/a\0\0,f\0\0", "cut off"),
        (b"/a\0\0,i\0\0\0\0\0\0\0\0\0\0", "after the last"),
        (b"/a\0\0,b\0\0" + struct.pack(">i", -8), "blob"),
        (b"/a\0\0,b\0\0" + struct.pack(">i", 64), "blob"),
        (b"/a\0\0,[\0\0", "without an end"),
        (b"/a\0\0,]\0\0", "nested less"),
        (b"/a\0\0,[[[[[]]]]]\0\0\0\0\0", "more than 4 deep"),
        (b"/a\0\0,m\0\0\0\0\0\0", "type tag 'm'"),
        (b"/a\0x,f\0\0\0\0\0\0", "padded"),
        (message("/a", float("nan")), "finite"),
        (message("/a", float("inf")), "finite"),
        (message("/a", *range(65)), "64 arguments"),
        (message("/a", "x" * MAX_BYTES), "8192"),
    ],
)
def test_malformed_datagrams_are_refused_with_a_reason(bad, why):
    with pytest.raises(MalformedError, match=why):
        check_datagram(bad)


def test_what_passes_never_makes_the_library_fail():
    rng = random.Random(5)
    seeds = [
        message("/vjnode/gain", 1.0),
        message("/vjnode/face", "ada"),
        bundle(message("/vjnode/gain", 1.0), message("/x", 1, b"abc")),
        message("/vjnode/gain", [1.0, [2, "x"]], True),
        b"/vjnode/face\0\0\0\0,SI\0ada\0",
    ]
    passed = 0
    for _ in range(20_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice(
                (0, 1, 4, 0xFF, ord(","), rng.randrange(256))
            )
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        try:
            messages = check_datagram(bytes(data))
        except MalformedError:
            continue
        passed += 1
        for one in messages:
            assert OscMessage(one).address.startswith("/")
    assert passed > 500
