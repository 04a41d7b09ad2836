import subprocess
import sys


def test_openvino_is_imported_without_its_telemetry():
    code = "import sys; from vjnode.runtime import load_openvino; print(load_openvino().Core);"
    code += "print(sorted(m for m in sys.modules if m.startswith('openvino_telemetry.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
