import os
import stat
import subprocess
import sys

import pytest

from vjnode.engines.build.signing import is_ours, sign
from vjnode.errors import EngineError


@pytest.fixture(autouse=True)
def _own_key(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))


@pytest.fixture
def key(tmp_path):
    sign(b"")
    return tmp_path / "trust" / "engines.key"


def test_a_signature_holds_for_its_text_and_this_machine_only(key):
    signature = sign(b"text")
    assert is_ours(b"text", signature)
    assert not is_ours(b"tixt", signature)
    assert not is_ours(b"text", signature[:-1] + "é")
    key.unlink()
    assert not is_ours(b"text", signature)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_the_key_is_for_its_owner_only(key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(list(key.parent.iterdir())) == 1
    key.chmod(0o640)
    with pytest.raises(EngineError, match=r"mode 640.*chmod 600"):
        sign(b"")


def test_a_damaged_key_says_what_to_do(key):
    key.write_bytes(b"short")
    with pytest.raises(EngineError, match=r"5 bytes, not 32.*delete it"):
        sign(b"")


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    script = "from vjnode.engines.build.signing import sign; print(sign(b'text'))"
    runs = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert len(list((tmp_path / "trust").iterdir())) == 1
