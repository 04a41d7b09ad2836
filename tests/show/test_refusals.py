"""Shows that cannot start say why before anything of them is begun."""

import socket

import pytest

from tests.show.process import free_port, vjnode

pytestmark = pytest.mark.slow


def test_a_taken_osc_port_is_told_before_the_show():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = vjnode("run", "--output", "null", "--duration", 1, "--osc", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written_is_told_before_the_show(tmp_path):
    done = vjnode(
        *("run", "--output", "null", "--duration", 60, "--report", tmp_path),
        *("--osc", f"127.0.0.1:{free_port()}"),
        timeout_s=30,
    )
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


def test_a_start_that_fails_is_told_and_leaves_every_file_as_it_was(tmp_path):
    (tmp_path / "old.jsonl").write_text("last night")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        output = f"preview:127.0.0.1:{port}"
        done = vjnode(
            *("run", "--duration", 1, "--size", 256, "--osc", f"127.0.0.1:{free_port()}"),
            *("--output", f"record:{tmp_path / 'set.mp4'}", "--output", output),
            *("--report", tmp_path / "new.json", "--trace", tmp_path / "old.jsonl"),
        )
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["old.jsonl"]
    assert (tmp_path / "old.jsonl").read_text() == "last night"
