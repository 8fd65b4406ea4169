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

"""What is answered for a check of others that does not keep to its contract."""

from __future__ import annotations

from tests.unit.preflight.package_of_others import CODE, ChecksOfOthersTestCase, ImportPath
from vfio_lm.preflight import Verdict


class TestAnswersOfOthers(ChecksOfOthersTestCase):
    def test_a_good_one_is_asked_like_ours(self):
        self.install("probe = a_check(lambda facts: passed('well', host=facts.server.host))")
        (result,) = [each for each in self.report().checks if each.id == "acme"]
        self.assertEqual("compute1", result.evidence["host"])
        self.assertIs(Verdict.READY, self.report().verdict)

    def test_one_that_answers_nothing(self):
        self.install("probe = a_check(lambda facts: None)")
        self.assert_defect("it returned None, not an Outcome")

    def test_one_that_answers_something_else(self):
        self.install("probe = a_check(lambda facts: True)")
        self.assert_defect("an object of type bool, not an Outcome")

    def test_one_that_raises(self):
        self.install("probe = a_check(lambda facts: 1 / 0)")
        self.assert_defect("it raised ZeroDivisionError: division by zero")

    def test_one_that_wants_to_end_the_command(self):
        self.install(
            """
            def leave(facts):
                raise SystemExit(7)
            probe = a_check(leave)
            """
        )
        self.assert_defect("it raised SystemExit: 7")

    def test_one_whose_exception_cannot_be_printed(self):
        self.install(
            """
            class Unspeakable(Exception):
                def __str__(self):
                    raise ValueError
            def ask(facts):
                raise Unspeakable
            probe = a_check(ask)
            """
        )
        self.assert_defect("it raised Unspeakable")

    def test_one_with_another_signature(self):
        self.install("probe = a_check(lambda facts, destination, more: passed('well'))")
        self.assert_defect("it raised TypeError: ")

    def test_evidence_that_is_no_json(self):
        for evidence in ("object()", "{1, 2}", "float('nan')", "{(1, 2): 3}", "b'x'", "'\\ud800'"):
            with ImportPath() as path:
                code = f"{CODE}probe = a_check(lambda facts: passed('well', seen={evidence}))\n"
                path.install("acme-checks", code, {"acme": "probe"})
                self.assert_defect("its evidence is not JSON")

    def test_evidence_that_holds_itself(self):
        self.install(
            """
            ring = []
            ring.append(ring)
            probe = a_check(lambda facts: passed('well', seen=ring))
            """
        )
        self.assert_defect("its evidence is not JSON")

    def test_an_outcome_of_wrong_parts(self):
        for arguments, said in (
            ("'pass', 'well'", "its status is 'pass', not a Status"),
            ("Status.PASS, None", "its message is not a string"),
            ("Status.PASS, '\\ud800'", "its message is not a string"),
            ("Status.FAIL, 'no', None", "its remedy is not a string"),
            ("Status.PASS, 'well', '', ['x']", "its evidence is not a mapping"),
        ):
            with ImportPath() as path:
                code = f"{CODE}probe = a_check(lambda facts: Outcome({arguments}))\n"
                path.install("acme-checks", code, {"acme": "probe"})
                self.assert_defect(said)

    def test_a_broken_key_costs_nothing_but_time(self):
        self.install(
            """
            from vfio_lm.preflight.check import destination_check
            @destination_check("acme", "?", refused_by=Refuser.API, depends_on=lambda facts: [])
            def probe(facts, destination):
                return passed("well")
            """
        )
        self.assertIs(Verdict.READY, self.report().verdict)

    def test_the_user_can_still_interrupt(self):
        self.install(
            """
            def ask(facts):
                raise KeyboardInterrupt
            probe = a_check(ask)
            """
        )
        self.assertRaises(KeyboardInterrupt, self.report)
