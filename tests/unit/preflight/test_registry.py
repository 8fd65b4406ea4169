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

"""The checks that are installed: ours can all be loaded, those of others break nothing."""

from __future__ import annotations

import fixtures
import testtools

from tests.unit.preflight.package_of_others import CODE, ChecksOfOthersTestCase, ImportPath
from tests.unit.preflight.scenario import facts
from vfio_lm.preflight import Scope, Verdict
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


class TestCatalogue(testtools.TestCase):
    def test_every_check_is_installed_and_can_be_loaded(self):
        checks = installed_checks()
        self.assertNotIn("Can the check be asked?", {check.question for check in checks})
        names = {(check.id, check.scope) for check in checks}
        self.assertEqual(len(checks), len(names))
        self.assertLessEqual(25, len({check.id for check in checks}))
        self.assertEqual({"openstack-vfio-lm"}, {check.package for check in checks})

    def test_one_entry_may_hold_a_question_for_both_ends(self):
        scopes = {check.scope for check in installed_checks() if check.id == "host-drivers"}
        self.assertEqual({Scope.SOURCE, Scope.DESTINATION}, scopes)

    def test_without_our_own_checks_no_server_is_ready(self):
        nothing = lambda **_: iter(())  # noqa: E731
        self.useFixture(fixtures.MonkeyPatch("importlib.metadata.distributions", nothing))
        report = examine(facts(), installed_checks())
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        (result,) = report.checks
        self.assertIn("install the package again", result.message)


class TestEntriesOfOthers(ChecksOfOthersTestCase):
    def test_what_is_no_check(self):
        for value in ("None", "passed", "()", "(a_check(passed), 'acme')", "[a_check(passed)]"):
            with ImportPath() as path:
                path.install("acme-checks", f"{CODE}probe = {value}\n", {"acme": "probe"})
                self.assert_defect("neither a Check nor a tuple of Checks")

    def test_a_check_of_wrong_parts(self):
        for value, said in (
            ("Check('acme', 'server', '?', Refuser.API, passed)", "its scope is 'server'"),
            ("Check('acme', Scope.SERVER, '?', 'api', passed)", "its refused_by is 'api'"),
            ("Check('acme', Scope.SERVER, None, Refuser.API, passed)", "its question"),
            ("Check('acme', Scope.SERVER, '?', Refuser.API, None)", "its ask cannot be called"),
            ("a_check(passed, is_decisive=None)", "its is_decisive is None"),
            ("a_check(passed, depends_on='host')", "its depends_on cannot be called"),
            ("(a_check(passed), a_check(passed))", "have the same scope"),
        ):
            with ImportPath() as path:
                path.install("acme-checks", f"{CODE}probe = {value}\n", {"acme": "probe"})
                self.assert_defect(said)

    def test_one_of_another_name_than_its_entry(self):
        self.install("probe = a_check(passed, 'umbrella')")
        self.assert_defect("its id is 'umbrella', the name of its entry point is 'acme'")

    def test_the_id_of_one_of_ours_behind_another_name(self):
        self.install("probe = a_check(lambda facts: passed('well'), 'server-state')")
        self.assert_defect("its id is 'server-state'")

    def test_one_that_takes_the_place_of_ours(self):
        line = "probe = a_check(lambda facts: passed('well'), 'server-state')"
        self.install(line, "server-state", "aaa-checks")
        self.assert_defect(
            "package openstack-vfio-lm has a check of this id",
            "server-state-of-aaa-checks",
            "aaa-checks",
        )
        (ours,) = [each for each in self.report().checks if each.id == "server-state"]
        self.assertEqual("the server is ACTIVE", ours.message)

    def test_a_package_has_one_name_however_it_is_written(self):
        self.install("probe = None", package="Acme_Checks")
        self.assert_defect("neither a Check", package="acme-checks")

    def test_two_packages_with_one_id(self):
        for package in ("zeta-checks", "acme-checks"):
            self.install("probe = a_check(lambda facts: passed('well'))", package=package)
        said = "package acme-checks has a check of this id"
        self.assert_defect(said, "acme-of-zeta-checks", "zeta-checks")

    def test_one_that_cannot_be_imported(self):
        for line, said in (
            ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
            ("raise SystemExit('libacme is missing')", "SystemExit: libacme is missing"),
            ("def probe(:", "SyntaxError"),
            ("", "AttributeError"),
        ):
            with ImportPath() as path:
                path.install("acme-checks", CODE + line, {"acme": "probe"})
                self.assert_defect(f"acme_checks:probe cannot be loaded: it raised {said}")
