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

"""The file of a report appears whole or not at all, and only its owner reads it."""

import json
import pathlib
import stat
import tarfile

import fixtures
import testtools

from osc_vfio_lm.bundle import BundleError, Part, part, write_bundle
from vfio_lm.errors import VfioLmError


def fail():
    raise VfioLmError("nova is down")


class TestBundle(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.file = self.folder / "report.tar.gz"

    def read(self):
        with tarfile.open(self.file) as archive:
            return {each.name: archive.extractfile(each).read().decode() for each in archive}

    def test_parts_are_members_and_what_is_missing_is_told(self):
        write_bundle(self.file, [part("a/b.json", lambda: {"x": 1}), part("c", fail)], 0)
        found = self.read()
        self.assertEqual({"report/a/b.json", "report/manifest.json"}, set(found))
        self.assertEqual({"x": 1}, json.loads(found["report/a/b.json"]))
        self.assertEqual(
            [
                {"name": "a/b.json", "status": "ok"},
                {"name": "c", "status": "failed", "error": "nova is down"},
            ],
            json.loads(found["report/manifest.json"])["parts"],
        )
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))

    def test_a_part_that_seems_to_hold_a_password_is_left_out(self):
        for content in ("[a]\ntransport_url = rabbit://u:mellon@h\n", {"auth_token": "mellon"}):
            found = part("a.conf", lambda content=content: content)
            self.assertEqual("", found.content)
            self.assertIn("seems to hold a password", found.error)

    def test_what_is_there_already_stays_and_nothing_is_left_behind(self):
        self.file.write_text("mine")
        self.assertRaises(BundleError, write_bundle, self.file, [Part("a", "b")], 0)
        self.assertEqual("mine", self.file.read_text())
        self.assertEqual([self.file], list(self.folder.iterdir()))

    def test_a_folder_that_does_not_exist_is_named(self):
        gone = self.folder / "gone" / "report.tar.gz"
        error = self.assertRaises(BundleError, write_bundle, gone, [], 0)
        self.assertIn(f"{gone} cannot be written", str(error))
