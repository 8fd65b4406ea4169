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

"""Packages of others on the import path, and what their checks must not break."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import pathlib
import sys
import textwrap
from collections.abc import Mapping

import fixtures
import testtools

from tests.unit.preflight.scenario import facts
from vfio_lm.preflight import Report, Status, Verdict
from vfio_lm.preflight.check import ENTRY_POINT_GROUP
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks

CODE = """
from vfio_lm.preflight import Check, Refuser, Scope
from vfio_lm.preflight.check import Outcome, Status, check, passed


def a_check(ask, id="acme", **fields):
    return Check(id, Scope.SERVER, "Is it well?", Refuser.NOWHERE, ask, **fields)
"""


class ImportPath(fixtures.Fixture):
    """A folder whose packages are installed as long as the test runs."""

    def _setUp(self) -> None:  # noqa: N802 - the name that fixtures gives it
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        before = set(sys.modules)
        self.useFixture(fixtures.MonkeyPatch("sys.path", [*sys.path, str(self.folder)]))
        self.refresh()
        self.addCleanup(self._forget, before)

    def refresh(self) -> None:
        """Let what has come into the folder be found."""
        importlib.invalidate_caches()

    def _forget(self, before: set[str]) -> None:
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and self.folder in pathlib.Path(file).parents:
                del sys.modules[name]

    def install(self, package: str, code: str, entries: Mapping[str, str]) -> None:
        """Install a package of one module.

        :param entries: the attributes of the module by the names of their entry points
        """
        module = package.replace("-", "_")
        (self.folder / f"{module}.py").write_text(code)
        metadata = self.folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        lines = [f"{name} = {module}:{attribute}" for name, attribute in entries.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINT_GROUP}]", *lines]))
        self.refresh()


class ChecksOfOthersTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.before = list(self.report().all_checks)
        self.path = self.useFixture(ImportPath())

    def install(self, line: str, name: str = "acme", package: str = "acme-checks") -> None:
        code = CODE + textwrap.dedent(line) + "\n"
        self.path.install(package, code, {name: "probe"})

    def report(self) -> Report:
        return examine(facts(), installed_checks())

    def assert_defect(self, said: str, name: str = "acme", package: str = "acme-checks") -> None:
        """Expect one answer more, which says what is wrong, and a report that is whole."""
        report = self.report()
        others = [each for each in report.all_checks if "defect" not in each.message]
        self.assertEqual(self.before, [each for each in others if each.id != "acme"])
        (result,) = [each for each in report.all_checks if each not in others]
        self.assertEqual((name, Status.UNKNOWN), (result.id, result.status))
        self.assertIn(f"defect of check {name} of package {package}: ", result.message)
        self.assertIn(said, result.message)
        self.assertIn(f"maintainers of {package}, or remove", result.remedy)
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        whole = report.to_dict()
        self.assertEqual(whole, json.loads(json.dumps(whole, allow_nan=False)))
        json.dumps(whole, ensure_ascii=False).encode()
