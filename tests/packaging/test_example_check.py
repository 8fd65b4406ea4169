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

"""The check of the Python API's documentation is built, installed, found and asked."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import fixtures
import testtools

from tests.packaging.bounds import TOP
from tests.unit.preflight.package_of_others import ImportPath
from tests.unit.preflight.scenario import facts
from vfio_lm.cloud.model import Aggregate
from vfio_lm.preflight import Status
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks

_EXAMPLE = TOP / "doc" / "source" / "reference" / "acme-vfio-checks"


class TestExampleCheck(testtools.TestCase):
    def setUp(self):
        super().setUp()
        # A build leaves files beside its source.
        copy = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "source"
        shutil.copytree(_EXAMPLE, copy)
        path = self.useFixture(ImportPath())
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        finished = subprocess.run(
            [*pip, "--no-build-isolation", "--target", path.folder, copy],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, finished.returncode, finished.stderr)
        path.refresh()

    def answer(self, **metadata):
        rack = Aggregate("rack7", "uuid", frozenset({"compute2"}), metadata)
        report = examine(facts(aggregates=(rack,)), installed_checks())
        (result,) = [each for each in report.all_checks if each.id == "acme-rack-maintenance"]
        return result

    def test_it_answers_like_ours(self):
        self.assertIs(Status.PASS, self.answer().status)
        found = self.answer(acme_maintenance="true")
        self.assertEqual(
            (Status.FAIL, "rack7 is in maintenance", "compute2"),
            (found.status, found.message, found.host),
        )
        self.assertIn("\n  openstack aggregate unset --property acme_maintenance", found.remedy)
