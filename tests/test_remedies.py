"""Commands that vjnode tells people to type work as they stand: in any shell, in any folder."""

import ast
import functools
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

import pytest

from tests.early import BEHIND, PYTHON, run
from vjnode.output.ndi.sender import AVAHI
from vjnode.remedies import Installation, install_extra, install_packages, run_vjnode

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]

CLONE = Installation(
    PurePosixPath("/home/vj/vjnode/.venv/bin/python"),
    PurePosixPath("/home/vj/vjnode/.venv/bin/vjnode"),
    PurePosixPath("/home/vj/vjnode"),
)
WHEEL = Installation(PurePosixPath("/opt/my shows/bin/python"), None, None)
UNKNOWN = Installation(
    PurePosixPath("/usr/bin/python3"), None, PurePosixPath("/src/my vjnode"), known=False
)


def windows(folder, **more):
    scripts = PureWindowsPath(folder) / ".venv" / "Scripts"
    return Installation(
        scripts / "python.exe",
        scripts / "vjnode.exe",
        PureWindowsPath(folder),
        system="win32",
        **more,
    )


@pytest.mark.parametrize(
    ("installation", "command"),
    [
        (
            CLONE,
            "/home/vj/vjnode/.venv/bin/python -m pip install "
            "-c /home/vj/vjnode/constraints.txt 'vjnode[ndi]'",
        ),
        (WHEEL, "'/opt/my shows/bin/python' -m pip install 'vjnode[ndi]'"),
        (
            UNKNOWN,
            "/usr/bin/python3 -m pip install -c '/src/my vjnode/constraints.txt' "
            "-e '/src/my vjnode[ndi]'",
        ),
        (
            windows("C:\\vjnode"),
            "C:\\vjnode\\.venv\\Scripts\\python.exe -m pip install "
            "-c C:\\vjnode\\constraints.txt vjnode[ndi]",
        ),
        (
            windows("C:\\my shows"),
            '"C:\\my shows\\.venv\\Scripts\\python.exe" -m pip install '
            '-c "C:\\my shows\\constraints.txt" vjnode[ndi]',
        ),
        (
            windows("C:\\my shows", powershell=True),
            '& "C:\\my shows\\.venv\\Scripts\\python.exe" -m pip install '
            '-c "C:\\my shows\\constraints.txt" vjnode[ndi]',
        ),
    ],
)
def test_an_extra_is_installed_by_the_pip_that_vjnode_belongs_to(installation, command):
    assert installation.pip_extra("ndi") == command


def test_what_is_there_is_replaced_by_what_was_tested_and_upgraded_beyond_it():
    assert CLONE.pip("--force-reinstall", "av").endswith("constraints.txt --force-reinstall av")
    upgrade = CLONE.pip("--upgrade", "tensorrt", pinned=False)
    assert upgrade == "/home/vj/vjnode/.venv/bin/python -m pip install --upgrade tensorrt"


def test_vjnode_itself_is_named_by_its_path():
    assert CLONE.vjnode("engines", "list") == "/home/vj/vjnode/.venv/bin/vjnode engines list"
    assert WHEEL.vjnode("engines") == "'/opt/my shows/bin/python' -m vjnode engines"
    on_windows = windows("D:\\a b", powershell=True).vjnode("engines")
    assert on_windows == '& "D:\\a b\\.venv\\Scripts\\vjnode.exe" engines'


def test_system_packages_need_root_and_apt():
    assert CLONE.packages("gcc") == "run: sudo apt-get install gcc"
    assert CLONE.as_root("modprobe", "x") == "sudo modprobe x"
    root = Installation(CLONE.python, None, None, root=True)
    assert root.as_root("modprobe", "x") == "modprobe x"
    assert root.packages("gcc", "python3-dev") == "run: apt-get install gcc python3-dev"
    other = Installation(CLONE.python, None, None, apt=False)
    assert other.packages("gcc", "make") == "install gcc and make, or what your system calls them"


def texts_in(path):
    """Yield the words that a program can print: its strings, but for those that document it."""
    tree = ast.parse(path.read_text("utf-8"))
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield str(node.value)


def test_no_other_remedy_is_printed_than_those_that_are_made_for_this_installation():
    ours = r"\bvjnode (engines|run|devices|outputs)\b"
    odd = re.compile(rf"\bpip install\b|\bapt-get\b|{ours}|\bsudo\b|\bchmod ")
    for path in (ROOT / "vjnode").rglob("*.py"):
        if path.name != "remedies.py":
            assert not [text for text in texts_in(path) if odd.search(text)], path


def test_extras_that_are_named_exist():
    named = set()
    for path in (ROOT / "vjnode").rglob("*.py"):
        named |= set(re.findall(r"install_extra\(['\"](\w+)['\"]\)", path.read_text("utf-8")))
    assert named >= {"ndi", "plot", "window", "camera", "spout", "syphon", "live"}
    assert named <= EXTRAS.keys()


def test_the_documents_name_extras_that_exist_and_a_pip_that_is_there():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text("utf-8") for path in documents)
    named = set(re.findall(r"the\s+extra\s+`(\w+)`", text))
    named |= {one for some in re.findall(r"\.\[([\w,]+)\]", text) for one in some.split(",")}
    assert named >= {"ndi", "plot", "rtx", "live", "window", "camera", "spout", "syphon"}
    assert named <= EXTRAS.keys()
    pips = re.findall(r"(\S*)pip install\b", text)
    assert set(pips) == {"`.venv/bin/", ".venv/bin/", ".venv\\Scripts\\"}


def in_a_clean_shell(command, folder="/", through=(), **environment):
    """Type ``command`` into a shell that knows nothing of vjnode, started ``through`` others."""
    return subprocess.run(
        [*through, "sh", "-c", command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


POSIX = os.name == "posix"
posix = pytest.mark.skipif(not POSIX, reason="needs the sh of POSIX")


@posix
def test_vjnode_is_found_by_a_clean_shell():
    done = in_a_clean_shell(run_vjnode("--version"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("vjnode ")


@functools.cache
def index_reached():
    """Return whether pip reaches its package index."""
    asking = [PYTHON, "-m", "pip", "--retries", "0", "--timeout", "5", "index"]
    return run(*asking, "versions", "pyvirtualcam").returncode == 0


def need_index():
    if not POSIX:
        pytest.skip("needs the sh of POSIX")
    if not index_reached():
        pytest.skip("packages cannot be fetched: pip reaches no index from here")


INSTALL = {one: install_extra(one) for one in sorted(EXTRAS.keys() - {"test", "tools", "windows"})}


def find_extra(extra):
    """Type the command as printed; pip's environment tells it to stop before it installs."""
    need_index()
    return in_a_clean_shell(INSTALL[extra], through=BEHIND, PIP_DRY_RUN="1")


@posix
@pytest.mark.slow
@pytest.mark.early(work=find_extra)
@pytest.mark.parametrize("extra", INSTALL)
def test_pip_finds_what_every_extra_needs(extra, early):
    assert early.returncode == 0, early.stderr
    assert f"vjnode[{extra}]" in early.stdout
    assert "does not provide the extra" not in early.stderr


def environment(folder, kind):
    """Return the Python of an environment as this one, in ``folder``, without pyvirtualcam."""
    assert run(PYTHON, "-m", "venv", "--without-pip", folder).returncode == 0
    python = folder / "bin" / "python"
    asking = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    packages = Path(asking.stdout[:-1])
    left_out = ("pyvirtualcam", "__pycache__")
    if kind == "wheel":
        left_out += ("vjnode", "_vjnode", "_editable_impl_vjnode", "__editable__")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(left_out):
            (packages / entry.name).symlink_to(entry)
    if kind == "wheel":
        install = f"'{python}' -m pip install --no-deps '{ROOT}'"
        made = in_a_clean_shell(install, through=BEHIND)
        assert made.returncode == 0, made.stderr
    return python


def take_remedy(kind):
    """Type what is told to install pyvirtualcam; return what vjnode tells of its outputs then."""
    need_index()
    with TemporaryDirectory() as folder:
        python = environment(Path(folder) / "my shows", kind)
        outputs = shlex.join([str(python), "-m", "vjnode", "outputs"])
        where = {} if kind == "wheel" else {"PYTHONPATH": str(ROOT)}
        told = in_a_clean_shell(outputs, through=BEHIND, **where).stdout
        remedy = re.search(r"pyvirtualcam is not installed; run: (.*?)  ", told)[1]
        assert "my shows" in remedy
        done = in_a_clean_shell(remedy, through=BEHIND)
        assert done.returncode == 0, done.stderr
        return in_a_clean_shell(outputs, through=BEHIND, **where).stdout


@posix
@pytest.mark.slow
@pytest.mark.early(work=take_remedy)
@pytest.mark.parametrize("kind", ["clone", "wheel"])
def test_a_remedy_that_is_typed_helps(kind, early):
    """In a folder with a space."""
    assert "camera" in early
    assert "pyvirtualcam is not installed" not in early


@pytest.fixture
def apt_lists(tmp_path):
    """Apt's lists of packages: those that are here, or else fetched for this test."""
    if not shutil.which("apt-get"):
        pytest.skip("this is no Debian")
    here = Path("/var/lib/apt/lists")
    if any(here.glob("*_Packages*")):
        return here
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    options = [f"Dir::State::lists={lists}", f"Dir::Cache={tmp_path}", "APT::Sandbox::User="]
    options += ["APT::Update::Error-Mode=any"]
    update = ["apt-get", "update", *(word for one in options for word in ("-o", one))]
    done = subprocess.run(update, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("apt's lists cannot be fetched")
    return lists


@posix
@pytest.mark.slow
def test_apt_knows_the_packages_that_are_named(apt_lists, tmp_path):
    """The command is typed as printed; apt's configuration tells it to stop before it installs."""
    stop = 'APT::Get::Simulate "true"; APT::Get::Assume-Yes "true";'
    (tmp_path / "apt.conf").write_text(f'{stop} Dir::State::lists "{apt_lists}";')
    calls = re.compile(r"install_packages\(('.*?'|\*AVAHI)\)")
    found = set()
    for path in (ROOT / "vjnode").rglob("*.py"):
        found |= set(calls.findall(path.read_text("utf-8").replace('"', "'")))
    assert len(found) >= 2
    for names in found:
        words = AVAHI if names == "*AVAHI" else ast.literal_eval(f"({names},)")
        command = install_packages(*words).removeprefix("run: ").removeprefix("sudo ")
        done = in_a_clean_shell(command, APT_CONFIG=str(tmp_path / "apt.conf"))
        assert done.returncode == 0, done.stderr
