"""Only an engine that is whole, ours and right in every field may be run."""

import errno
import json
from dataclasses import asdict, fields, replace

import pytest

from vjnode.engines.build import store
from vjnode.engines.build.manifest import Manifest, manifest_path, read_manifest
from vjnode.engines.build.store import (
    Machine,
    admit,
    engine_files,
    engine_path,
    examine,
    find,
    wanted,
)
from vjnode.engines.build.tensorrt_variants import RTX, system
from vjnode.engines.networks import NETWORKS, kept_graph
from vjnode.errors import EngineError, InputError
from vjnode.paths import sha256_of

NETWORK = NETWORKS["encoder"]
MACHINE = Machine("tensorrt_rtx", "1.7.1.116", "sm89", system())
CONTENT = bytes(range(256)) * 40
"""Stands for an engine: nothing that is tested here may look into one."""

OTHER = {
    "format": 2,
    "network": "mobilestylegan",
    "size": 512,
    "precision": "fp32",
    "graph": 7,
    "flavour": "tensorrt",
    "version": "1.6.0.1",
    "gpu": "sm86",
    "os": "win32-x86_64",
    "shapes": {"column": [1, 3, 1, 31]},
    "weights_sha256": "0" * 64,
    "onnx_sha256": "1" * 64,
    "engine_bytes": len(CONTENT) - 1,
    "engine_sha256": "2" * 64,
}
FIELDS = [field.name for field in fields(Manifest)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Path of this machine's cache, with nothing in it."""
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wants(here):
    graph = kept_graph(NETWORK, 0, "fp16", sha256_of(NETWORK.weights()))
    graph.write_bytes(b"a graph")
    return wanted(NETWORK, 0, "fp16", MACHINE)


@pytest.fixture
def engine(tmp_path, wants):
    """Path of an engine that may be run."""
    path = engine_path(tmp_path / "engines", NETWORK, 0, "fp16", MACHINE)
    store.store(path, CONTENT, Manifest(**wants, engine_bytes=0, engine_sha256=""))
    return path


def test_what_was_stored_may_be_run(engine, wants):
    assert engine.name == "encoder-fp16-sm89.rtx"
    assert admit(engine, wants) == CONTENT


def test_the_mutations_cover_every_field():
    assert set(OTHER) == set(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_field_is_refused_by_its_signature_or_before(engine, wants, field):
    content = json.loads(manifest_path(engine).read_bytes())
    manifest_path(engine).write_text(json.dumps(content | {field: OTHER[field]}))
    # Whatever the reader wants: even the very thing that the changed manifest says.
    for asked in (wants, {**wants, field: OTHER[field]} if field in wants else wants):
        with pytest.raises(EngineError, match=r"encoder-fp16-sm89.rtx .*vjnode engines build"):
            admit(engine, asked)


@pytest.mark.parametrize("field", FIELDS)
def test_a_signed_manifest_with_a_wrong_field_is_refused(engine, wants, field):
    manifest, _ = read_manifest(engine)
    store.write_manifest(engine, replace(manifest, **{field: OTHER[field]}))
    _, ours = read_manifest(engine)
    assert ours
    with pytest.raises(EngineError, match=r"encoder-fp16-sm89.rtx .*vjnode engines build"):
        admit(engine, wants)


def test_the_texts_name_what_is_there_what_is_wanted_and_the_remedy(engine, wants):
    manifest, _ = read_manifest(engine)
    for field, words in {
        "gpu": "was built for sm86, this GPU is sm89",
        "version": "version 1.6.0.1, installed is 1.7.1.116",
        "os": "was built on win32-x86_64, this is",
        "weights_sha256": "other weights (SHA-256 00000000…, not ",
    }.items():
        store.write_manifest(engine, replace(manifest, **{field: OTHER[field]}))
        with pytest.raises(EngineError) as caught:
            admit(engine, wants)
        assert words in str(caught.value)
        assert str(caught.value).endswith(
            "vjnode engines build --model encoder --precision fp16 --gpu sm89 "
            "--flavour tensorrt_rtx"
        )


def test_another_graph_in_the_cache_is_noticed(engine, wants):
    with pytest.raises(EngineError, match="another graph"):
        admit(engine, wants | {"onnx_sha256": "f" * 64})


def test_a_truncated_engine_is_refused(engine, wants):
    for length in (0, 1, len(CONTENT) - 1):
        engine.write_bytes(CONTENT[:length])
        with pytest.raises(EngineError, match=f"{length} bytes, not {len(CONTENT)}.*engines build"):
            admit(engine, wants)


def test_an_engine_with_a_flipped_bit_is_refused(engine, wants):
    for place in (0, 5000, len(CONTENT) - 1):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1
        engine.write_bytes(flipped)
        with pytest.raises(EngineError, match=r"damaged.*engines build"):
            admit(engine, wants)


def test_an_engine_without_its_manifest_or_the_other_way_round_is_refused(engine, wants):
    kept = manifest_path(engine).read_bytes()
    manifest_path(engine).unlink()
    with pytest.raises(EngineError, match=r"no manifest.*engines remove"):
        admit(engine, wants)
    manifest_path(engine).write_bytes(kept)
    engine.unlink()
    with pytest.raises(EngineError, match=r"cannot be read.*engines build"):
        admit(engine, wants)
    assert engine_files(engine.parent) == [engine]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '{"hmac_sha256": 1}',
        '{"format": 1, "hmac_sha256": ""}',
        "\0\xff",
        "[" * 100_000,
    ],
)
def test_a_manifest_that_is_none_is_refused(engine, wants, text):
    manifest_path(engine).write_text(text, encoding="latin-1")
    with pytest.raises(EngineError, match=r"not the manifest.*engines remove"):
        admit(engine, wants)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_missing_or_of_another_kind_is_refused(engine, wants, field):
    content = json.loads(manifest_path(engine).read_bytes())
    odd = [{k: v for k, v in content.items() if k != field}]
    odd += [content | {field: value} for value in (None, 1.5, ["x"], True)]
    for one in (*odd, content | {"more": 1}):
        manifest_path(engine).write_text(json.dumps(one))
        with pytest.raises(EngineError, match="not the manifest"):
            admit(engine, wants)


def test_a_foreign_engine_is_refused_until_it_is_trusted(
    engine, wants, tmp_path, monkeypatch, here
):
    other = tmp_path / "another machine"
    monkeypatch.setenv("VJNODE_CACHE", str(other))
    manifest, ours = read_manifest(engine)
    assert not ours
    with pytest.raises(EngineError, match=r"not built on this machine.*engines trust encoder-fp16"):
        admit(engine, wants)
    assert store.trust(engine) == manifest
    assert admit(engine, wants) == CONTENT
    monkeypatch.setenv("VJNODE_CACHE", str(here))
    with pytest.raises(EngineError, match="not built on this machine"):
        admit(engine, wants)


def test_trust_does_not_admit_a_damaged_engine(engine):
    engine.write_bytes(CONTENT[:-1])
    before = manifest_path(engine).read_bytes()
    with pytest.raises(EngineError, match="copy both files again"):
        store.trust(engine)
    assert manifest_path(engine).read_bytes() == before


def test_trust_on_a_full_disk_says_so(engine, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "replace_file", full)
    with pytest.raises(EngineError, match=r"json cannot be written \(No space left on device\)"):
        store.trust(engine)


def test_trust_does_not_make_it_right_for_another_card(engine, wants):
    store.trust(engine)
    with pytest.raises(EngineError, match="built for sm89, this GPU is sm75"):
        admit(engine, wants | {"gpu": "sm75"})


def test_what_a_killed_build_leaves_is_not_picked_up(engine, wants, monkeypatch):
    manifest, _ = read_manifest(engine)

    def killed(path, manifest):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write_manifest", killed)
    with pytest.raises(KeyboardInterrupt):
        store.store(engine, CONTENT[::-1], manifest)
    with pytest.raises(EngineError, match="no manifest, as if its build had been interrupted"):
        admit(engine, wants)


def test_scratch_files_are_not_taken_for_engines(engine):
    (engine.parent / ".encoder-fp16-sm89.rtx.k2j3").write_bytes(CONTENT[:10])
    (engine.parent / "README.md").write_text("about")
    assert engine_files(engine.parent) == [engine]


def test_an_engine_is_found_by_its_name_with_or_without_the_ending(engine):
    assert find(engine.parent, "encoder-fp16-sm89") == engine
    assert find(engine.parent, "encoder-fp16-sm89.rtx") == engine
    for name in ("encoder", "../encoder-fp16-sm89.rtx", ""):
        with pytest.raises(InputError, match=r"there: encoder-fp16-sm89.rtx"):
            find(engine.parent, name)


def test_removing_leaves_nothing(engine):
    (engine.parent / f".{engine.name}.k2j3").write_bytes(b"of a build that was killed")
    store.remove(engine)
    store.remove(engine)
    assert list(engine.parent.iterdir()) == []


@pytest.mark.parametrize(("gpu", "which"), [(None, "no CUDA card here"), ("sm86", "is sm86")])
def test_an_engine_for_another_card_is_told_from_a_broken_one(engine, monkeypatch, gpu, which):
    monkeypatch.setattr(store, "gpu_here", lambda: gpu)
    examined = examine(engine)
    assert examined.elsewhere
    assert asdict(examined.manifest)["gpu"] == "sm89"
    assert examined.reason.startswith("it is for sm89 (RTX 40, L4, L40), and ")
    assert which in examined.reason
    engine.write_bytes(engine.read_bytes()[:-1])
    examined = examine(engine)
    assert not examined.elsewhere
    assert "cut off" in examined.reason


def test_without_a_card_this_is_no_machine_to_run_engines_on(monkeypatch):
    monkeypatch.setattr(store, "gpu_here", lambda: None)
    with pytest.raises(EngineError, match="no CUDA card"):
        store.this_machine(RTX)


def test_engines_are_looked_for_where_the_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_ENGINES", str(tmp_path / "here"))
    assert store.engines_dir() == tmp_path / "here"
    assert engine_files(store.engines_dir()) == []
