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

"""Each package has one lower bound, wherever it is required; tox -e lowest installs these."""

import configparser

import testtools

from tests.packaging import bounds


class TestBounds(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.tests = set(bounds.in_lines((bounds.TOP / "test-requirements.txt").read_text()))

    def test_the_tests_require_what_the_extras_require(self):
        for extra, wanted in bounds.extras().items():
            self.assertEqual(set(), set(wanted) - self.tests, extra)

    def test_the_documentation_requires_what_the_extras_require(self):
        wanted = {each.name: each for extra in bounds.extras().values() for each in extra}
        for each in bounds.in_lines((bounds.TOP / "doc" / "requirements.txt").read_text()):
            self.assertEqual(wanted.get(each.name, each), each)

    def test_every_environment_requires_the_same(self):
        known = {each.name: each.lowest for each in {*bounds.required(), *self.tests}}
        tox = configparser.RawConfigParser()
        tox.read(bounds.TOP / "tox.ini")
        for environment in tox.sections():
            lines = tox[environment].get("deps", "").splitlines()
            for each in bounds.in_lines("\n".join(line for line in lines if ">=" in line)):
                self.assertEqual(known.get(each.name, each.lowest), each.lowest, environment)

    def test_a_bound_of_another_form_is_refused(self):
        for line in ("cliff", "cliff==4.9.0", "cliff>=4.9.0,<5"):
            self.assertRaisesRegex(ValueError, "NAME>=VERSION", bounds.in_lines, line)
