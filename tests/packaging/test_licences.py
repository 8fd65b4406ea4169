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

"""Nothing that the project requires has a licence that Apache-2.0 does not go with."""

import csv

import testtools

from tests.packaging import bounds, licences


class TestLicences(testtools.TestCase):
    def test_each_licence_goes_with_ours(self):
        # XStatic packages name no licence; they are Horizon's, which is there before the panel
        ours = [row for row in licences.rows() if not row[0].startswith("xstatic")]
        self.assertGreater(len(ours), 80)
        self.assertEqual([], [row for row in ours if not licences.is_compatible(row[1])])

    def test_the_documentation_lists_what_is_required_directly(self):
        with licences.LIST.open(newline="") as file:
            listed = {row["Package"]: row["Licence"] for row in csv.DictReader(file)}
        extras = bounds.extras().values()
        direct = {
            each.name for each in [*bounds.required(), *(r for extra in extras for r in extra)]
        }
        now = {name: said for name, said, _ in licences.rows() if name in direct}
        self.assertEqual(direct, set(now))
        self.assertEqual(
            now,
            {name: listed.get(name) for name in direct},
            "run: tox -e venv -- python -m tests.packaging.licences",
        )

    def test_a_licence_that_asks_for_more_is_found(self):
        for expression in ("GPL-3.0-or-later", "MIT AND AGPL-3.0-only", "not named"):
            self.assertFalse(licences.is_compatible(expression), expression)

    def test_one_of_several_licences_to_choose_from_is_enough(self):
        for expression in ("GPL-2.0-only OR MIT", "Apache-2.0 OR (GPL-2.0-only AND MIT)"):
            self.assertTrue(licences.is_compatible(expression), expression)
