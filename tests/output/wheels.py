"""Wheels for other systems, fetched without installing them, to look into them.

An output declares in protocols the parts of a package that it uses, and the type checker sees to
it that it uses nothing else. So each protocol is compared with the package.
"""

import ast
import inspect
import subprocess
import sys
import zipfile
from functools import cache

import pytest

from vjnode.paths import cache_dir

FETCH_TIMEOUT_S = 120

MACOS = ("macosx_12_0_universal2", "macosx_10_13_universal2")
WINDOWS = ("win_amd64",)


@cache
def fetched(requirement, platforms, python):
    """Return the wheel as an open ZIP file; skip the test when it cannot be fetched.

    requirement: with its exact version. platforms: wheel tags. python: such as "3.12".
    """
    name, _, version = requirement.partition("==")
    folder = cache_dir("wheels-for-tests", f"{name}-{version}-{python}")
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)]
        command += ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
        command += [f"--python-version={python}", *(f"--platform={one}" for one in platforms)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{requirement} could not be fetched within {FETCH_TIMEOUT_S} s")
        if done.returncode:
            pytest.skip(f"{requirement} could not be fetched: {done.stderr.strip()[-200:]}")
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def protocols(module):
    """Return the protocols of an output's module; fail if it imports a package without one."""
    found = [
        one
        for one in vars(module).values()
        if getattr(one, "_is_protocol", False) and one.__module__ == module.__name__
    ]
    tree = ast.parse(inspect.getsource(module))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    casts = [call for call in calls if ast.unparse(call.func) == "cast"]
    imports = [call for call in calls if ast.unparse(call.func) == "import_module"]
    typed = [call.args[1] for call in casts if call.args[0].id in {one.__name__ for one in found}]
    assert imports
    assert set(imports) <= set(typed), "import_module goes only with cast to a protocol"
    return found


def functions(protocol):
    """Return a protocol's functions: signatures by name, without ``self``."""
    return {
        name: _without_self(inspect.signature(one))
        for name, one in vars(protocol).items()
        if inspect.isfunction(one) and not name.startswith("_")
    }


def attributes(protocol):
    """Return the names of a protocol's attributes and properties."""
    properties = {name for name, one in vars(protocol).items() if isinstance(one, property)}
    return properties | set(inspect.get_annotations(protocol))


class Source:
    """A Python file in a wheel."""

    def __init__(self, wheel, path):
        self._tree = ast.parse(wheel.read(path))

    def function(self, name):
        """Return the signature of a function, or None."""
        return _signature(_named(self._tree, name))

    def method(self, class_name, name):
        """Return a method's signature, the inherited ones included, without ``self``; or None."""
        for one in self._lineage(class_name):
            if found := _signature(_named(one, name)):
                return _without_self(found)
        return None

    def constructor(self, class_name):
        """Return the signature with which a class is called; None if there is none of that name."""
        return self.method(class_name, "__init__")

    def attributes(self, class_name):
        """Return the names of the attributes that a class's methods set, and of its properties."""
        nodes = [node for one in self._lineage(class_name) for node in ast.walk(one)]
        return {
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        } | {
            node.name
            for node in nodes
            if isinstance(node, ast.FunctionDef)
            and "property" in map(ast.unparse, node.decorator_list)
        }

    def imported(self):
        """Return the names that are imported from elsewhere."""
        return {
            alias.asname or alias.name
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def _lineage(self, class_name):
        found = _named(self._tree, class_name)
        if not isinstance(found, ast.ClassDef):
            return []
        parents = [base.id for base in found.bases if isinstance(base, ast.Name)]
        return [found, *(one for name in parents for one in self._lineage(name))]


def takes(real, ours):
    """Return whether ``real`` takes a call as ``ours`` describes it, with the same names.

    real, ours: signatures. Of ours every parameter is given, by position unless it is
    keyword-only.
    """
    parameters = ours.parameters.values()
    by_position = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
    by_name = {one.name: one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    try:
        bound = real.bind(*by_position, **by_name)
    except TypeError:
        return False
    return bound.arguments == {name: name for name in ours.parameters}


def _named(tree, name):
    kinds = ast.ClassDef | ast.FunctionDef
    return next((n for n in tree.body if isinstance(n, kinds) and n.name == name), None)


def _signature(function):
    if not isinstance(function, ast.FunctionDef):
        return None
    arguments = function.args
    for one in ast.walk(arguments):
        if isinstance(one, ast.arg):
            one.annotation = None
    nothing = ast.Constant(None)
    arguments.defaults = [nothing for _ in arguments.defaults]
    arguments.kw_defaults = [one and nothing for one in arguments.kw_defaults]
    # All that is left of the foreign code are its parameters' names.
    return inspect.signature(eval(f"lambda {ast.unparse(arguments)}: None"))  # noqa: S307


def _without_self(signature):
    return signature.replace(parameters=list(signature.parameters.values())[1:])
