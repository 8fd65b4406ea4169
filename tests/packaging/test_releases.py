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

"""What is required can be had under the upper constraints of every supported release."""

import configparser

import testtools
from packaging.version import Version

from tests.packaging import bounds, releases
from vfio_lm.pci import NovaRelease


class TestReleases(testtools.TestCase):
    def wanted(self):
        return {"": bounds.required(), **bounds.extras()}

    def test_the_constraints_of_every_supported_release_are_here(self):
        self.assertEqual(sorted(each.value for each in NovaRelease), releases.releases())

    def test_no_requirement_of_any_extra_is_above_them(self):
        for release in releases.releases():
            for python in releases.PYTHONS:
                held = releases.constraints(release, python)
                for extra, wanted in self.wanted().items():
                    place = f"[{extra}] {release}, Python {python}"
                    self.assertEqual([], [*releases.refused(wanted, held)], place)

    def test_they_hold_all_that_is_required(self):
        every = {each.name for wanted in self.wanted().values() for each in wanted}
        for release in releases.releases():
            for python in releases.PYTHONS:
                self.assertEqual(set(), every - set(releases.constraints(release, python)), release)

    def test_a_requirement_above_them_is_found(self):
        held = releases.constraints("2025.1", "3.11")
        for lowest, found in (("3.3.0", False), ("3.3.1", True), ("3.10.0", True)):
            wanted = bounds.Requirement("os-traits", lowest)
            self.assertEqual([wanted] if found else [], [*releases.refused([wanted], held)])

    def test_versions_may_depend_on_the_python(self):
        self.assertEqual(Version("1.13.1"), releases.constraints("2025.1", "3.9")["scipy"])
        self.assertEqual(Version("1.15.2"), releases.constraints("2025.1", "3.10")["scipy"])

    def test_tox_has_an_environment_for_each(self):
        tox = configparser.RawConfigParser()
        tox.read(bounds.TOP / "tox.ini")
        named = ",".join(releases.releases())
        self.assertIn(f"testenv:release-{{{named}}}", tox.sections())
        oldest = f"tests/packaging/constraints/{releases.releases()[0]}.txt"
        self.assertIn(oldest, tox["testenv:lower"]["install_command"])
