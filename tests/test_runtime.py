import subprocess
import sys

from vjnode.runtime import monotonic_s


def test_openvino_is_imported_without_its_telemetry():
    code = "import sys; from vjnode.runtime import load_openvino; print(load_openvino().Core);"
    code += "print(sorted(m for m in sys.modules if m.startswith('openvino_telemetry.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_clock_of_a_show_is_finer_than_a_frame():
    steps_s = []
    now_s = monotonic_s()
    for _ in range(20):
        while (then_s := monotonic_s()) == now_s:
            pass
        steps_s.append(then_s - now_s)
        now_s = then_s
    assert min(steps_s) < 0.001


def test_the_clock_of_a_show_is_the_same_in_every_process():
    code = "from vjnode.runtime import monotonic_s; print(monotonic_s())"
    before_s = monotonic_s()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert before_s < float(done.stdout) < monotonic_s()
