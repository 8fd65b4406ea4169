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

"""Each entry is found once, with its package."""

import pathlib
import sys
import tempfile

import testtools

from vfio_lm.entry_points import entry_points


class TestEntryPoints(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(sys.path.remove, self.folder("one"))
        self.addCleanup(sys.path.remove, self.folder("two"))

    def folder(self, module, metadata="Name: Example"):
        """Put a folder with a package before all others on the path."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        info = pathlib.Path(folder.name) / "example-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[example.group]\nfirst = {module}:it\n")
        sys.path.insert(0, folder.name)
        return folder.name

    def found(self):
        return [(name, entry.value) for name, entry in entry_points("example.group")]

    def test_the_first_on_the_path_counts(self):
        self.assertEqual([("Example", "two:it")], self.found())

    def test_a_package_without_a_name_is_not_passed_over(self):
        self.addCleanup(sys.path.remove, self.folder("three", metadata="Summary: nothing"))
        self.assertEqual([(None, "three:it"), ("Example", "two:it")], self.found())

    def test_another_group_has_others(self):
        self.assertIn("tooz.backends", {entry.group for _, entry in entry_points("tooz.backends")})
