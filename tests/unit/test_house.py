# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The rules of the house: small modules and functions, one meaning for a name, a test for each."""

from __future__ import annotations

import ast
import collections
import functools
import importlib
import importlib.metadata
import importlib.util
import pathlib
import pkgutil
import re
from collections.abc import Iterable, Iterator

import testtools

from vfio_lm.preflight import Check, checks
from vfio_lm.preflight.check import ENTRY_POINT_GROUP

_TOP = pathlib.Path(__file__).parents[2]

#: The packages that are installed, and where below tests/unit their tests are.
_PACKAGES = {
    "vfio_lm": "",
    "osc_vfio_lm": "osc",
    "placement_sync": "placement_sync",
    "horizon_panel": "horizon",
}

#: What others import.
_LIBRARY = ("vfio_lm.", "osc_vfio_lm.", "placement_sync.")

_MOST_LINES_OF_A_MODULE = 400
_MOST_LINES_OF_A_FUNCTION = 60

#: The packages of the picture in doc/source/contributor.rst.
_ROOMS = (
    *(f"vfio_lm/{path.parent.name}" for path in sorted(_TOP.glob("vfio_lm/*/__init__.py"))),
    *(package for package in _PACKAGES if package != "vfio_lm"),
    "tests",
)

#: Rooms whose modules decide something. The others ask services and print: tests/functional,
#: tests/horizon and tests/libvirt run them with the real ones.
_ROOMS_OF_RULES = (
    "placement_sync/engine",
    "vfio_lm/cloud",
    "vfio_lm/cloud/http",
    "vfio_lm/cloud/model",
    "vfio_lm/cloud/nova",
    "vfio_lm/cloud/placement",
    "vfio_lm/compute/domain",
    "vfio_lm/compute/guard",
    "vfio_lm/compute/host",
    "vfio_lm/compute/libvirt",
    "vfio_lm/drain",
    "vfio_lm/error_texts",
    "vfio_lm/inventory",
    "vfio_lm/migration",
    "vfio_lm/pci",
    "vfio_lm/pci/lint",
    "vfio_lm/pci/nova_word",
    "vfio_lm/preflight",
    "vfio_lm/preflight/checks",
    "vfio_lm/preflight/rules",
    "vfio_lm/preflight/wording",
)

#: A module that imports one of these asks, and does not only decide.
_SERVICES = ("keystoneauth1", "openstack", "vfio_lm.cloud.")


@functools.cache
def _modules() -> dict[str, ast.Module]:
    """Return every module of the product by its path in the tree."""
    return {
        str(path.relative_to(_TOP)): ast.parse(path.read_text())
        for package in _PACKAGES
        for path in sorted((_TOP / package).rglob("*.py"))
    }


def _lines(path: str) -> int:
    return len((_TOP / path).read_text().splitlines())


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, module in _modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}: {node.name}", node


def _decides(module: ast.Module) -> bool:
    """Whether what a module does depends on anything."""
    branches = (ast.If, ast.IfExp, ast.BoolOp, ast.For, ast.While, ast.Match, ast.Try)
    return any(isinstance(node, (*branches, ast.comprehension)) for node in ast.walk(module))


def _asks(module: ast.Module) -> bool:
    """Whether a module asks a service: the tests with the real ones run it."""
    asked = set()
    for node in module.body:
        if isinstance(node, ast.Import):
            asked |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            asked |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return any(
        name.startswith(_SERVICES) and not name.startswith("vfio_lm.cloud.model") for name in asked
    )


def _mirror(path: str) -> str:
    """Return where the test of a module is."""
    package, *folders, name = pathlib.PurePath(path).with_suffix("").parts
    return str(pathlib.PurePath("tests/unit", _PACKAGES[package], *folders, f"test_{name}.py"))


class TestSize(testtools.TestCase):
    def test_a_module_is_small(self):
        long = {path for path in _modules() if _lines(path) > _MOST_LINES_OF_A_MODULE}
        self.assertEqual(set(), long)

    def test_a_function_is_on_one_screen(self):
        long = {
            name
            for name, node in _functions()
            if (node.end_lineno or 0) - node.lineno >= _MOST_LINES_OF_A_FUNCTION
        }
        self.assertEqual(set(), long)


class TestNames(testtools.TestCase):
    def test_the_name_of_a_class_means_one_thing(self):
        homes = collections.defaultdict(set)
        for path, module in _modules().items():
            for node in module.body:
                if isinstance(node, ast.ClassDef):
                    homes[node.name].add(path)
        several = {name: sorted(paths) for name, paths in homes.items() if len(paths) > 1}
        self.assertEqual({}, several)

    def test_a_module_says_what_it_is_about(self):
        silent = {path for path, module in _modules().items() if module.body}
        silent = {path for path in silent if not ast.get_docstring(_modules()[path])}
        self.assertEqual(set(), silent)


class TestImports(testtools.TestCase):
    def test_what_is_imported_from_the_library_is_there(self):
        """Mypy looks neither at the panel, for want of types in Horizon, nor at the tests."""
        paths = [*(_TOP / "horizon_panel").rglob("*.py"), *(_TOP / "tests").rglob("*.py")]
        wanted = {
            (str(node.module), alias.name)
            for path in paths
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_LIBRARY)
            for alias in node.names
        }
        self.assertLess(100, len(wanted))
        self.assertEqual(set(), {each for each in wanted if not self.exists(*each)})

    def exists(self, module: str, name: str) -> bool:
        if hasattr(importlib.import_module(module), name):
            return True
        return importlib.util.find_spec(f"{module}.{name}") is not None


class TestMirror(testtools.TestCase):
    def test_every_module_that_decides_has_a_test_of_its_name(self):
        wanted = {
            path
            for path, module in _modules().items()
            if str(pathlib.PurePath(path).parent) in _ROOMS_OF_RULES
            if not path.endswith("__.py") and _decides(module) and not _asks(module)
        }
        self.assertEqual(set(), {path for path in wanted if not (_TOP / _mirror(path)).exists()})


class TestOldestPython(testtools.TestCase):
    """What one writes by habit, and Python 3.9 lacks; vermin (tox -e linters) knows all of it."""

    def test_no_call_has_an_argument_that_it_lacks(self):
        lacking = {"dataclass": {"slots", "kw_only", "weakref_slot"}, "zip": {"strict"}}
        found = [
            f"{path}:{node.lineno}"
            for path, module in _modules().items()
            for node in ast.walk(module)
            if isinstance(node, ast.Call)
            and {each.arg for each in node.keywords}
            & lacking.get(ast.unparse(node.func).rpartition(".")[2], set())
        ]
        self.assertEqual([], found, "slots, kw_only or strict, which Python 3.9 lacks")


class TestChecks(testtools.TestCase):
    def made(self) -> Iterable[Check]:
        for found in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
            for value in vars(importlib.import_module(found.name)).values():
                for each in value if isinstance(value, tuple) else (value,):
                    if isinstance(each, Check):
                        yield each

    def test_every_check_has_an_entry_of_its_name(self):
        installed = set()
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
            if entry.value.startswith("vfio_lm."):
                loaded = entry.load()
                of_entry = loaded if isinstance(loaded, tuple) else (loaded,)
                self.assertEqual({entry.name}, {each.id for each in of_entry})
                installed.update(map(id, of_entry))
        self.assertEqual([], [each for each in self.made() if id(each) not in installed])


class TestContributorPage(testtools.TestCase):
    def test_every_place_that_it_names_is_there(self):
        page = (_TOP / "doc" / "source" / "contributor.rst").read_text()
        places = set(re.findall(r"``([\w.]+/[\w./]*)``", page))
        self.assertLessEqual(10, len(places))
        self.assertEqual(set(), {each for each in places if not self.exists(each)})

    def exists(self, place: str) -> bool:
        """Whether a path is in the tree, or a folder is one of the rooms of some package."""
        return (_TOP / place).exists() or any(
            (_TOP / package / place).exists() for package in _ROOMS
        )

    def test_it_has_every_room(self):
        page = (_TOP / "doc" / "source" / "contributor.rst").read_text()
        self.assertEqual(set(), {room for room in _ROOMS if f"``{room}``" not in page})
