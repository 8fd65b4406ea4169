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

"""Verdicts follow from the answers, and a missing answer never makes a server ready."""

import dataclasses
import itertools
import json

import testtools

from tests.unit.migration import records
from tests.unit.preflight.scenario import destination, facts, service
from vfio_lm.preflight import Scope, Status, Verdict
from vfio_lm.preflight.check import Outcome, Refuser, check, destination_check
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks
from vfio_lm.preflight.report import DestinationReport


def checks(own, there, *, is_decisive=True):
    """One check of the server and one of the destinations, with these answers."""
    return (
        check("own", Scope.SERVER, "?", refused_by=Refuser.API, is_decisive=is_decisive)(
            lambda facts: Outcome(own, "said", "remedy")
        ),
        destination_check("there", "?", refused_by=Refuser.SCHEDULER)(
            lambda facts, destination: Outcome(there[destination.host], "said", "remedy")
        ),
    )


class TestVerdict(testtools.TestCase):
    def verdict(self, own, *there, **kwargs):
        names = [f"compute{i}" for i in range(2, 2 + len(there))]
        known = facts(destinations=tuple(destination(name) for name in names))
        answers = dict(zip(names, there, strict=True))
        return examine(known, checks(own, answers, **kwargs)).verdict

    def test_one_good_destination_is_enough(self):
        self.assertIs(Verdict.READY, self.verdict(Status.PASS, Status.FAIL, Status.PASS))
        self.assertIs(Verdict.READY, self.verdict(Status.WARN, Status.UNKNOWN, Status.WARN))

    def test_a_failure_of_the_server_blocks(self):
        self.assertIs(Verdict.BLOCKED, self.verdict(Status.FAIL, Status.PASS))

    def test_no_destination_blocks(self):
        self.assertIs(Verdict.BLOCKED, self.verdict(Status.PASS, Status.FAIL, Status.FAIL))
        self.assertIs(Verdict.BLOCKED, self.verdict(Status.UNKNOWN, Status.FAIL))
        self.assertIs(Verdict.BLOCKED, self.verdict(Status.PASS))

    def test_a_decisive_unknown_is_never_ready(self):
        self.assertIs(Verdict.UNKNOWN, self.verdict(Status.UNKNOWN, Status.PASS))
        self.assertIs(Verdict.UNKNOWN, self.verdict(Status.PASS, Status.UNKNOWN, Status.FAIL))

    def test_other_unknowns_do_not_matter(self):
        self.assertIs(Verdict.READY, self.verdict(Status.UNKNOWN, Status.PASS, is_decisive=False))

    def test_ready_needs_every_decisive_answer(self):
        for own, there in itertools.product(Status, Status):
            if self.verdict(own, there) is Verdict.READY:
                self.assertNotIn(Status.FAIL, (own, there))
                self.assertNotIn(Status.UNKNOWN, (own, there))


class TestReport(testtools.TestCase):
    def test_the_imagined_cloud_is_ready_for_every_installed_check(self):
        report = examine(facts(), installed_checks())
        self.assertIs(Verdict.READY, report.verdict, report.to_dict())
        self.assertEqual(("compute2",), report.hosts(Verdict.READY))

    def test_ready_destinations_come_first(self):
        down = destination("compute0", service=service("compute0", is_up=False))
        report = examine(facts(destinations=(down, destination())), installed_checks())
        self.assertEqual(["compute2", "compute0"], [d.host for d in report.destinations])

    def test_the_json_form_survives_json(self):
        whole = examine(facts(), installed_checks()).to_dict()
        self.assertEqual(whole, json.loads(json.dumps(whole)))

    def test_a_check_that_breaks_is_unknown_and_hides_no_other(self):
        def ask(facts):
            raise RuntimeError("no such luck")

        broken = check("broken", Scope.SERVER, "?", refused_by=Refuser.API)(ask)
        report = examine(facts(), (*installed_checks(), broken))
        self.assertIs(Verdict.UNKNOWN, report.verdict)
        (result,) = [r for r in report.checks if r.status is Status.UNKNOWN and r.is_decisive]
        self.assertEqual("broken", result.id)
        self.assertIn("RuntimeError: no such luck", result.message)


class TestHostToName(testtools.TestCase):
    """What is said is to happen: nova is not left a choice that could be another one."""

    def report(self, *checks, host=None, **changes):
        found = dataclasses.replace(records.report(*checks), requested_host=host)
        first, second = found.destinations
        return dataclasses.replace(
            found, destinations=(first, dataclasses.replace(second, **changes))
        )

    def test_where_every_host_is_ready_nova_may_choose(self):
        self.assertIsNone(self.report().host_to_name)

    def test_a_ready_host_is_named_where_nova_may_choose_another(self):
        for status in (Status.FAIL, Status.UNKNOWN):
            result = records.check_result("a", status, host="compute3")
            found = self.report(result)
            self.assertEqual("compute2", found.host_to_name)
            self.assertEqual("compute2", found.to_dict()["host_to_name"])
            self.assertIsNone(self.report(result, may_be_chosen=False).host_to_name)
            self.assertIsNone(self.report(result, host="compute2").host_to_name)

    def test_the_host_that_nova_weighs_most_is_named(self):
        found = self.report(weight=2.0)
        broken = DestinationReport(
            "compute4", (records.check_result("a", Status.FAIL, host="compute4"),), ()
        )
        found = dataclasses.replace(found, destinations=(*found.destinations, broken))
        self.assertEqual("compute3", found.host_to_name)

    def test_only_what_nova_may_meet_can_end_in_error(self):
        unknown = records.check_result("numa", Status.UNKNOWN, host="compute3")
        self.assertFalse(self.report(unknown).may_end_in_error)
        harmful = dataclasses.replace(unknown, may_end_in_error=True)
        self.assertTrue(self.report(harmful).may_end_in_error)
        self.assertFalse(self.report(harmful, may_be_chosen=False).may_end_in_error)
        settled = dataclasses.replace(harmful, is_decisive=False)
        self.assertFalse(self.report(settled).may_end_in_error)
