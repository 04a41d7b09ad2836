"""Table of all parameters that can be changed while the show runs.

OSC addresses, presets, the command line and the table in docs/osc.md all come from these rows.
"""

from vjnode.control.features import FEATURES
from vjnode.control.glide import EASINGS
from vjnode.control.parameter import MAX_SHOWN, Parameter
from vjnode.control.rows import number_row, route_rows, toggle_row, trigger_row
from vjnode.errors import InputError
from vjnode.modulation.dynamics import AS_HEARD
from vjnode.modulation.matrix import CHANNELS, SOURCES, Envelope, default_route
from vjnode.modulation.shaping import CURVE_HIGH, CURVE_LOW, GATE_DB
from vjnode.naming import nearest

AGC_MODES = ("off", "on", "freeze")
"""Modes of automatic gain: none; following the level slowly; kept as it is now."""

BEAT_SOURCES = ("music", "midi", "tap")
"""Sources of the beat: what is heard, a MIDI clock, or the artist's hand alone."""

BPM_LOW, BPM_HIGH = 30.0, 300.0

QUANTISE = ("now", "beat", "bar", "4bars")
"""Moments for which a recall may wait: none, or the beginning of the next of these."""

SAFE = "stage"
"""Preset that is taken for safe, as it comes."""


NONE = "none"
"""Choice of a channel that is to do nothing."""

DEFAULT_EXPRESSIONS = {"expression/2": "brows_up", "expression/3": "blink", "expression/4": "turn"}
"""Expressions that channels have as they come, where their generator has these."""

_ABOUT_CHANNELS = {
    "expression": "what the sound makes it do",
    "expression/2": "what it does beside that, on onsets",
    "expression/3": "what it does by itself: it blinks",
    "expression/4": "what it does when a source is routed to this channel",
}

_WEIGHT, _ONSET = (default_route(source, "expression") for source in ("weight", "onset"))

_NAMED = (
    Parameter("face", "choice", "whose face is shown", "frame", "", recalls=True),
    *(
        Parameter(
            name,
            "choice",
            _ABOUT_CHANNELS.get(name, "what it does beside that"),
            "frame",
            DEFAULT_EXPRESSIONS.get(name, ""),
            recalls=True,
        )
        for name in CHANNELS
    ),
    Parameter(
        "preset",
        "choice",
        "face, expression and everything else that a preset sets",
        "frame",
        "",
        recalls=True,
    ),
    trigger_row("panic", "the safe preset, without the sound, within 0.3 s", "control"),
    Parameter(
        "safe_preset", "choice", "the preset that panic recalls", "control", SAFE, stays=True
    ),
    number_row(
        "morph",
        "how long a look takes to become another, and numbers to get there; 0: at once",
        0.0,
        30.0,
        0.0,
        unit="s",
        stays=True,
    ),
    number_row(
        "morph_bars",
        "the same in bars at the present tempo; 0: morph counts",
        0.0,
        64.0,
        0.0,
        unit="bars",
        stays=True,
    ),
    Parameter(
        "easing",
        "choice",
        "how a morph sets out and arrives",
        "control",
        EASINGS[0],
        choices=EASINGS,
        stays=True,
    ),
    Parameter(
        "quantise",
        "choice",
        "the beat for which a recall of a preset, a face or an expression waits",
        "control",
        QUANTISE[0],
        choices=QUANTISE,
        stays=True,
    ),
    Parameter(
        "set",
        "choice",
        "the entry of the set list that is on",
        "control",
        "",
        stays=True,
        recalls=True,
        in_a_circle=False,
    ),
    number_row("gain", "how strongly the sound acts", 0.0, 4.0, 1.0, unit="×"),
    number_row(
        "attack", "how fast the face follows rising sound", 0.0, 5.0, _WEIGHT.attack_s, unit="s"
    ),
    number_row("release", "how fast it calms down", 0.0, 10.0, _WEIGHT.release_s, unit="s"),
    number_row("floor", "the weight in silence", 0.0, 1.0, 0.0),
    number_row("ceiling", "the weight of the most intense sound", 0.0, 1.0, 1.0),
    number_row(
        "dynamics",
        "how much the face moves between calm and wild: 0 steady, 0.5 as the music, 1 dancing",
        0.0,
        1.0,
        AS_HEARD,
    ),
    number_row(
        "curve",
        "exponent on the weight: above 1 calmer, below 1 livelier",
        CURVE_LOW,
        CURVE_HIGH,
        1.0,
    ),
    number_row("accent", "what each onset adds to the weight", 0.0, 1.0, _ONSET.amount),
    number_row(
        "accent_decay", "how fast an accent dies away", 0.0, 10.0, _ONSET.release_s, unit="s"
    ),
    number_row(
        "gate",
        "quieter sound counts as silence",
        -90.0,
        -20.0,
        GATE_DB,
        consumer="hearing",
        unit="dBFS",
        stays=True,
    ),
    Parameter(
        "agc",
        "choice",
        "automatic gain for the input: follows its level slowly, or stays as it is",
        "hearing",
        "on",
        choices=AGC_MODES,
        stays=True,
    ),
    trigger_row("agc_reset", "automatic gain begins anew", "hearing"),
    Parameter(
        "bpm",
        "float",
        "the tempo, set by hand",
        "hearing",
        0.0,
        low=BPM_LOW,
        high=BPM_HIGH,
        unit="BPM",
        off=0.0,
        off_means="follow beat_source",
        stays=True,
    ),
    Parameter(
        "beat_source",
        "choice",
        "where tempo and beat come from: what is heard, a MIDI clock, or taps alone",
        "hearing",
        "music",
        choices=BEAT_SOURCES,
        stays=True,
    ),
    trigger_row("tap", "a beat, tapped by hand", "hearing"),
    trigger_row("double", "twice the tempo", "hearing"),
    trigger_row("halve", "half the tempo", "hearing"),
    trigger_row("resync", "now is the first beat of a bar", "hearing"),
    number_row("lfo_rate", "waves per second of the LFO", 0.0, 20.0, 0.25, unit="Hz"),
    number_row(
        "lfo_beats",
        "length of its wave in beats; 0: lfo_rate counts",
        0.0,
        64.0,
        0.0,
        unit="beats",
        glides=False,  # on the way to 0 its waves would be ever shorter
    ),
    number_row("idle_smile", "how much it smiles by itself in silence", 0.0, 1.0, 0.5),
    number_row("idle_gaze", "how much its eyes wander while little is heard", 0.0, 1.0, 0.5),
    number_row("idle_breath", "how much its head moves then, as it breathes", 0.0, 1.0, 0.5),
    toggle_row("freeze", "the picture stays as it is", "output"),
    toggle_row("blackout", "fades to black, and back", "output"),
    number_row(
        "blackout_fade",
        "how long that takes; 0: at once",
        0.0,
        30.0,
        1.0,
        consumer="output",
        unit="s",
        stays=True,
    ),
    toggle_row("neutral", "the resting face, whatever is heard", "output", smoothing_s=1.2),
)


def _channel_rows() -> list[Parameter]:
    rows = []
    for number, channel in enumerate(CHANNELS, 1):
        plain, to = Envelope(), f"channel/{number}"
        about, of = f"channel {number}: its expression", f"channel {number}: its own"
        default = BY_CHANNEL[channel].default
        rows += [
            Parameter(
                f"{to}/expression",
                "choice",
                about,
                "frame",
                default,
                stored_as=channel,
                recalls=True,
            ),
            number_row(
                f"{to}/gain", f"{of} gain, beside that of all", 0.0, 4.0, plain.gain, unit="×"
            ),
            number_row(f"{to}/attack", f"{of} rise", 0.0, 5.0, plain.attack_s, unit="s"),
            number_row(f"{to}/release", f"{of} fall", 0.0, 10.0, plain.release_s, unit="s"),
        ]
    return rows


BY_CHANNEL = {row.name: row for row in _NAMED if row.name in CHANNELS}


def _send_rows() -> list[Parameter]:
    return [
        Parameter(f"send/{name}", "toggle", f"{name} is sent", "control", True, stays=True)
        for name in FEATURES
    ]


BY_NAME = {row.name: row for row in (*_NAMED, *_send_rows(), *_channel_rows(), *route_rows())}

PARAMETERS = BY_NAME.values()
"""All rows, in their order."""

KNOWN = ", ".join(
    [
        *(row.name for row in _NAMED),
        "channel/N/expression, …/gain, …/attack and …/release",
        "route/CHANNEL/SOURCE/amount, …/attack and …/release",
        "send/FEATURE",
    ]
)
"""Names of all parameters, the matrix as a pattern, for errors."""


def find(name: str) -> Parameter:
    """Return the row of that name.

    Raises:
        InputError: there is no such parameter.
    """
    if (parameter := BY_NAME.get(name)) is None:
        shown = name[:MAX_SHOWN]
        extra = ""
        if name.startswith("route/"):
            extra = f"; channels: {', '.join(CHANNELS)}; sources: {', '.join(SOURCES)}"
        hint = nearest(shown, tuple(BY_NAME))
        raise InputError(f"there is no parameter '{shown}'; {hint}there are: {KNOWN}{extra}")
    return parameter
