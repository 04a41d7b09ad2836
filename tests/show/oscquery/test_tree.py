"""OSCQuery's tree against the documents: what they name is there, and what is there they name."""

import re

import pytest

from tests.test_docs import TEXTS
from vjnode.control.address import ROOT, read_address
from vjnode.control.features import FEATURES
from vjnode.control.osc import LEARN
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.show.factory import stock
from vjnode.show.oscquery.tree import Tree

PLACES = {"CHANNEL": "expression", "SOURCE": "beat", "FEATURE": "level", "N": "2"}
"""Words that stand for others in addresses, each with one of those."""

DOCUMENTS = [name for name in TEXTS if name.startswith("docs/") or name == "README.md"]


def named(text):
    """Return the addresses that a text names; …/LAST stands beside the first one of its line."""
    found = set()
    for line in text.splitlines():
        first = ""
        for one in re.findall(r"(?<!\w)(?:/vjnode|…)/[\w/]*\w", line):
            if one.startswith(ROOT):
                first = first or one
            elif not first:
                continue
            path = one.replace("…", first.rpartition("/")[0])
            found.add("/".join(PLACES.get(part, part) for part in path.split("/")))
    return found


@pytest.fixture(scope="module")
def tree():
    return Tree(stock().names, lambda _: None, FEATURES.values(), learns=True)


def paths(tree):
    """Return the paths of all nodes that take or tell something."""

    def below(node):
        yield from [node["FULL_PATH"]] if "TYPE" in node else []
        for child in node.get("CONTENTS", {}).values():
            yield from below(child)

    return set(below(tree.node("/")))


def test_every_address_that_a_document_names_has_a_node(tree):
    told = {(one, name) for name in DOCUMENTS for one in named(TEXTS[name])}
    there = paths(tree)
    assert len(told) > 100
    assert not {(one, name) for one, name in told if one not in there}


def test_every_node_is_named_or_belongs_to_a_parameter_that_is(tree):
    told = named(TEXTS["docs/osc.md"]) | named(TEXTS["docs/midi.md"])
    parameters = {row.address for row in PARAMETERS}
    rest = paths(tree) - parameters - told
    behind = {path for path in rest if path.rpartition("/")[0] in parameters}
    assert all(read_address(path) for path in behind)
    rest -= behind
    # The documents tell of one for all.
    assert {path.removeprefix(f"{LEARN}/") for path in rest} <= BY_NAME.keys()


def test_nothing_is_to_be_learned_where_no_midi_is_read():
    tree = Tree(stock().names, lambda _: None)
    assert tree.node("/vjnode/midi") is None
