"""The documents are right: their names, commands, paths and tables hold against what there is."""

import argparse
import ast
import contextlib
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.test_style import MAY_USE, modules
from vjnode.audio.sources.spec import parse_audio
from vjnode.cli.main import build_parser
from vjnode.cli.options import controls_asked_for
from vjnode.control.address import read_address
from vjnode.control.features import FEATURES
from vjnode.control.osc_map_reader import _LINE_KEYS, RATE_HIGH, _map
from vjnode.control.osc_out import ASKING, LEASE_S, MAX_SUBSCRIBERS
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.presets import load_stock
from vjnode.control.shortcuts import SHORTCUTS
from vjnode.engines.cuda.capability import KNOWN
from vjnode.engines.networks import NETWORKS
from vjnode.engines.registry import CANDIDATES
from vjnode.faces.catalogue import action_names, expression_names, face_names
from vjnode.modulation.matrix import CHANNELS, SOURCES
from vjnode.modulation.moment import Moment
from vjnode.output.registry import KINDS, parse_output
from vjnode.show.oscquery.tree import ATTRIBUTES

ROOT = Path(__file__).parents[1]
DOCS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "engines/README.md",
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in DOCS}

README_LINES = 130
SPOKEN_CHARACTERS = 3000
"""Of the README, that ``tools/train/encoder_sound.py`` has read aloud."""

SHELLS = {"sh", "bat", "text"}
"""Languages of code blocks that hold commands."""

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMANDS = {
    *(
        "run",
        "replay",
        "render",
        "analyse",
        "devices",
        "outputs",
        "presets",
        "faces",
        "expressions",
    ),
    *("engines", "list", "build", "trust", "remove", "generators", "add", "look"),
    *("save", "rename", "move", "delete"),
}
PLACES = {"vjnode", "tools", "tests", "presets", "docs", "engines", ".ci", ".github"}
"""Folders whose files the documents name from the top of the checkout."""


def blocks(text):
    """Return the content of the code blocks that hold commands."""
    return [body for language, body in FENCE.findall(text) if language in SHELLS]


def prose(text):
    """Return the text without its code blocks."""
    return FENCE.sub("", text)


def spans(text):
    """Return what stands between backticks outside of code blocks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def section(name, heading):
    """Return the text of ``name`` below ``heading``, up to the next one."""
    return re.split(r"^##+ ", TEXTS[name].split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


def rows(text):
    """Return the cells of the tables in ``text``, row by row, without heads and rules."""
    lines = [line for line in text.splitlines() if line.lstrip().startswith("|")]
    cells = [[cell.strip() for cell in line.strip().strip("|").split(" |")] for line in lines]
    rules = {at for at, row in enumerate(cells) if all(re.fullmatch("[-: |]+", c) for c in row)}
    return [row for at, row in enumerate(cells) if at not in rules and at + 1 not in rules]


def anchors(text):
    """Return the anchors that GitHub makes of the headings in ``text``."""
    found = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def names():
    """Return the relative names of all documents, each with the document that it stands in."""
    for name, text in TEXTS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", prose(text))):
            if "://" not in target:
                yield name, target


def parsers(parser):
    """Yield ``parser`` and all parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from parsers(one)


def options_of(*command):
    """Return the long options that a command takes."""
    parser = build_parser()
    for word in command:
        choices = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        parser = choices[0][word]
    return {option for action in parser._actions for option in action.option_strings} - {
        "--help",
        "-h",
    }


def typed(text):
    """Yield the words behind ``vjnode`` of every command line in ``text``."""
    for body in blocks(text):
        for line in body.splitlines():
            for command in re.sub(r"(^| )#.*| {2}# .*", "", line).split("&&"):
                words = shlex.split(command.replace("\\", "/"))
                if words and words[0].rpartition("/")[2] == "vjnode":
                    yield words[1:]
                elif words[:2] == ["make", "run"]:
                    arguments = [
                        w.removeprefix("ARGS=") for w in words[2:] if w.startswith("ARGS=")
                    ]
                    yield ["run", *(shlex.split(arguments[0]) if arguments else [])]
    for span in spans(text):
        if re.match(r"make run ARGS=\"[^…]", span):
            yield ["run", *shlex.split(span.partition("=")[2])[0].split()]
        words = [word for word in shlex.split(span) if word != "…"] if "vjnode " in span else []
        if words and words[0].rpartition("/")[2] == "vjnode" and words[1:]:
            yield [*words[1:], *(["--help"] if set(words[1:]) <= COMMANDS else [])]


def parsed(words):
    """Return the options that the parser reads; None for a request to print help or version.

    Raises:
        InputError: it refuses them.
    """
    with contextlib.suppress(SystemExit):
        return build_parser().parse_args(words)
    return None


def test_the_readme_is_short_and_long_enough_to_be_read_aloud():
    assert len(TEXTS["README.md"].splitlines()) <= README_LINES
    assert len(TEXTS["README.md"]) >= SPOKEN_CHARACTERS


@pytest.mark.parametrize(("name", "target"), [*names()], ids=lambda one: one)
def test_a_link_leads_somewhere(name, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / name).parent / path if path else ROOT / name
    assert file.exists()
    assert file.resolve().is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(file.read_text("utf-8"))


def test_every_document_is_named_in_the_readme():
    for name in TEXTS.keys() - {"README.md", "engines/README.md"}:
        assert f"({name})" in TEXTS["README.md"] or f"({name}#" in TEXTS["README.md"], name


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_line_is_one(name, capsys):
    stock = load_stock(face_names(), expression_names())
    for words in typed(TEXTS[name]):
        options = parsed(words)
        if options is None:
            continue
        if words[0] in {"run", "render", "analyse"}:
            controls_asked_for(options, stock)
        if words[0] == "run":
            parse_audio(options.audio)
            for output in options.output or ():
                parse_output(output)
    capsys.readouterr()


def test_the_documents_show_command_lines():
    assert {name for name in TEXTS if list(typed(TEXTS[name]))} >= {
        *("README.md", "docs/show.md", "docs/outputs.md", "docs/hearing.md", "docs/presets.md"),
        *("docs/engines.md", "docs/osc.md", "docs/troubleshooting.md", "SECURITY.md"),
    }


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("docs/show.md", ("run",)),
        ("docs/hearing.md", ("render",)),
        ("docs/hearing.md", ("analyse",)),
        ("docs/engines.md", ("engines", "build")),
    ],
)
def test_every_option_is_told(name, command):
    told = {span.split()[0] for span in spans(TEXTS[name]) if span.startswith("--")}
    assert told >= options_of(*command)


@pytest.mark.parametrize("name", TEXTS)
def test_every_option_that_is_told_exists(name):
    known = {o for one in parsers(build_parser()) for a in one._actions for o in a.option_strings}
    for span in spans(TEXTS[name]):
        if span.startswith("--"):
            assert re.split(r"[ =]", span)[0] in known, span


@pytest.mark.parametrize("name", TEXTS)
def test_every_tool_that_is_named_exists(name):
    for module in re.findall(r"-m (tools(?:\.\w+)+)", TEXTS[name]):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module
    text = re.sub(r"\]\(\S+\)", "", TEXTS[name])  # names have a test of their own
    for path in re.findall(r"(?<![\w/.])tools/[\w./-]*\w", text):
        assert (ROOT / path).exists(), path


TOOLS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text("utf-8")
    for path in sorted((ROOT / "tools").rglob("*.py"))
}


@pytest.mark.parametrize("module", TOOLS)
def test_a_tool_tells_how_it_is_run(module):
    text = TOOLS[module]
    about, _, more = ast.get_docstring(ast.parse(text), clean=False).partition("\n\n")
    assert about[-1] == "."
    assert "\n" not in about
    if '__name__ == "__main__"' in text:
        assert more.startswith(f"    python -m {module}")
        if "argparse" in text:
            assert f'prog="python -m {module}", description=__doc__.splitlines()[0]' in text
    else:
        assert "argparse.ArgumentParser(" not in text
    assert "sys.path" not in text


@pytest.mark.parametrize("name", TEXTS)
def test_every_path_that_is_named_exists(name):
    for span in spans(TEXTS[name]):
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", span) or "NAME" in span:
            continue
        place, slash, rest = span.partition("/")
        if slash and place in PLACES and rest not in BY_NAME:
            assert (ROOT / span).exists(), span
        if re.fullmatch(r"vjnode(\.\w+)+", span) and not span.endswith(".md"):
            assert span in modules(), span


def test_every_module_has_its_place_in_the_architecture():
    told = {}
    for name, about in rows(section("docs/architecture.md", "Folders")):
        folder = ROOT / name.strip("`")
        assert folder.is_dir(), folder
        files = {folder / file for file in re.findall(r"`([\w.]+\.(?:py|sh)|\w+/)`", about)}
        assert all(file.exists() for file in files), files
        told[folder] = files
    for top in (ROOT / "vjnode", ROOT / "tools"):
        for path in top.rglob("*.py"):
            if not path.name.startswith("__"):
                assert path in told[path.parent], path


def test_imports_are_told_as_they_are_held():
    table = rows(section("docs/architecture.md", "Imports"))
    assert [row[0].strip("`") for row in table] == list(MAY_USE)
    for number, (room, may) in enumerate(table):
        above = {one.strip("`") for one, _ in table[:number]}
        allowed = above if may == "all above" else set(re.findall(r"`(\w+)`", may))
        assert allowed == MAY_USE[room.strip("`")], room


FIRST = "channel/1/"
FIRST_SENT = next(iter(FEATURES))


def test_addresses_are_told_as_they_are():
    table = {row[0].strip("`"): row[1:] for row in rows(section("docs/osc.md", "Addresses"))}
    each = [row.name for row in PARAMETERS if row.name.startswith(FIRST)]
    for row in PARAMETERS:
        if row.routes or (row.of_channel and row.name not in each):
            continue
        stem, _, sent = row.name.rpartition("/")
        if stem == "send" and sent != FIRST_SENT:
            continue
        address = row.address.replace(FIRST, "channel/N/").replace(f"send/{sent}", "send/FEATURE")
        takes, default, about = table.pop(address)
        about = about.replace("channel N", "channel 1").replace("FEATURE", FIRST_SENT)
        assert about.startswith(row.about), row.address
        assert all(f"`{choice}`" in takes for choice in row.choices), row.address
        if row.kind == "trigger":
            assert (takes, default) == ("trigger", ""), row.address
        if row.kind == "toggle":
            assert (takes, default) == ("0 or 1", f"{row.default:d}"), row.address
        if row.kind == "float":
            span = f"{row.low:g}–{row.high:g}".replace("-", "−")
            assert f"float {span}" in takes, row.address
            assert row.off is None or f"or {row.off:g}" in takes, row.address
            assert row.unit in takes, row.address
            assert default == f"{row.default:g}".replace("-", "−"), row.address
    for part in ("amount", "attack", "release"):
        takes, *_ = table.pop(f"/vjnode/route/CHANNEL/SOURCE/{part}")
        row = BY_NAME[f"route/{CHANNELS[0]}/{SOURCES[0]}/{part}"]
        assert f"float {row.low:g}–{row.high:g}".replace("-", "−") in takes
    assert not table


def test_each_feature_has_a_switch():
    assert [f"send/{name}" for name in FEATURES] == [
        row.name for row in PARAMETERS if row.name.startswith("send/")
    ]


def test_what_is_for_hands_is_told_as_it_is():
    """Each address in that table is one, and each shortcut that there is stands in it."""
    told = {}
    for addresses, about in rows(section("docs/osc.md", "Faders and buttons")):
        first, *others = re.findall(r"`([^`]+)`", addresses)
        for one in [first, *others]:
            address = one.replace("…", first.rpartition("/")[0])
            act = read_address(address)
            told[act.verb] = (act.parameter.kind, about)
    assert told.keys() >= {"choose", *(one.verb for one in SHORTCUTS)}
    for one in SHORTCUTS:
        kind, about = told[one.verb]
        assert kind == one.kind
        if one.low is not None:
            assert f"{one.low:g}–{one.high:g}" in about
        if not one.of:
            assert one.about.split()[-1].rstrip("s") in about, one.verb
    assert told["choose"][0] == "choice"


def test_who_asks_is_told_as_it_is():
    asking = rows(section("docs/osc.md", "What vjnode sends"))[:2]
    assert {row[0].split("`")[1] for row in asking} == ASKING
    assert f"{LEASE_S:g} s" in asking[0][1]
    assert f"{MAX_SUBSCRIBERS} can" in asking[0][1]


def test_osc_maps_are_told_with_every_key():
    text = section("docs/osc.md", "Other programs' addresses")
    told = [row[0].strip("`") for row in rows(text)]
    shipped_maps = sorted(path.stem for path in (ROOT / "presets/osc").glob("*.toml"))
    assert sorted(told[: len(shipped_maps)]) == shipped_maps
    assert {"to", "rate", *_LINE_KEYS} - {"to"} <= {*told}
    assert f"up to {RATE_HIGH:g}" in text
    examples = [
        body for language, body in FENCE.findall(TEXTS["docs/osc.md"]) if language == "toml"
    ]
    for number, example in enumerate(examples):
        read = _map(f"example {number}", tomllib.loads(example), None, example.splitlines())
        assert read.lines


MOMENTS = {
    "rate": "at the rate",
    "event": "as it happens",
    "change": "as it changes, and once a second",
}
"""Times at which a feature is sent, as the document has them."""


def test_features_are_told_as_they_are_sent():
    table = rows(section("docs/osc.md", "What vjnode sends"))[2:]  # the first two are taken
    assert [row[0].strip("`") for row in table] == [f"/vjnode/{name}" for name in FEATURES]
    for row, (_, takes, when, about) in zip(FEATURES.values(), table, strict=True):
        span = f"{row.low:g}–{row.high:g}".replace("-", "−") if row.low < row.high else ""
        assert takes.startswith(f"{row.type} {span}" if span else row.type), row.name
        assert row.unit in takes, row.name
        assert all(f"`{choice}`" in takes for choice in row.choices), row.name
        assert (when, about) == (MOMENTS[row.when], row.about), row.name


def test_what_oscquery_tells_is_told():
    assert {*ATTRIBUTES} <= {*spans(section("docs/osc.md", "OSCQuery"))}


def test_routes_are_told_as_they_come():
    table = {row[0].strip("`"): row[2:] for row in rows(section("docs/presets.md", "Routing"))}
    assert list(table) == list(SOURCES)
    parts = ("amount", "attack", "release")
    for source, told in table.items():
        assert told == [
            ", ".join(
                dict.fromkeys(
                    f"{BY_NAME[f'route/{one}/{source}/{part}'].default:g}" for one in CHANNELS
                )
            )
            for part in parts
        ], source


def test_presets_faces_and_expressions_are_told_in_their_order():
    names = list(load_stock(face_names(), expression_names()).presets)
    told = [row[1].strip("`") for row in rows(section("docs/presets.md", "Presets that ship"))]
    assert names == told
    assert " ".join(f"`{one}`" for one in face_names()) in TEXTS["docs/presets.md"]
    told = " ".join(spans(section("docs/presets.md", "Expressions")))
    actions = action_names()
    sums = [one for one in expression_names() if one not in actions]
    assert all(" ".join(names) in told for names in (sums, actions))


def test_outputs_and_engines_are_told():
    told = [span.partition("[")[0].partition(":")[0] for span in spans(TEXTS["docs/outputs.md"])]
    assert KINDS.keys() <= set(told)
    engines = set(spans(TEXTS["docs/engines.md"]))
    assert {one.name for one in CANDIDATES} <= engines
    assert NETWORKS.keys() | KNOWN.keys() <= engines


def test_every_variable_of_the_environment_is_told():
    used = set()
    for path in (ROOT / "vjnode").rglob("*.py"):
        used |= set(re.findall(r"VJNODE_[A-Z]+", path.read_text("utf-8")))
    table = rows(section("docs/show.md", "Environment variables"))
    assert {row[0].strip("`") for row in table} == used


def test_every_value_in_a_trace_is_told():
    told = set(spans(" ".join(row[0] for row in rows(section("docs/show.md", "Trace and report")))))
    assert told >= Moment().traced().keys() | Moment().traced(live=True).keys()


def test_every_extra_is_told():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = [row[0] for row in rows(section("docs/show.md", "Installing"))]
    assert set(re.findall(r"`(\w+)`", " ".join(told))) == project["optional-dependencies"].keys()


def test_the_linter_is_the_same_everywhere():
    pinned = re.search(r"^ruff==(.*)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert re.findall(r"rev: v(\S+)", hooks) == [pinned[1]]
