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

"""A plan as text and as traits: it names its subject, and foreign traits stay."""

import dataclasses

import testtools

from placement_sync.engine.finding import AuditFinding, Kind
from placement_sync.engine.plan import Plan, Step
from tests.unit.placement_sync.cases import FindingsTestCase
from tests.unit.placement_sync.fleet import LIVE, MLX5, NOT_LIVE, YES, host, of_nova, root


def step(add=(), remove=(), reasons=None):
    return Step(
        "compute1", "uuid-compute1", "compute1", frozenset(add), frozenset(remove), reasons or {}
    )


class TestPlan(FindingsTestCase):
    def test_every_line_of_a_plan_names_its_subject(self):
        plan = self.plan([host("compute1", YES), host("compute2")], root(), of_nova())
        lines = list(plan.lines)
        self.assertEqual(3, len(lines))
        for line, subject in zip(lines, ["compute1", "compute2", "compute1_0000"], strict=True):
            self.assertTrue(line.startswith(subject), line)
        self.assertIn(f"+{LIVE} (durable: yes)", lines[0])

    def test_what_is_not_known_is_no_drift_and_a_step_is(self):
        unknown = AuditFinding(Kind.UNDECIDED, "compute1", "stays", "probe it")
        missing = dataclasses.replace(unknown, kind=Kind.MISSING)
        self.assertFalse(Plan(findings=(unknown,)).has_drift)
        self.assertTrue(Plan(findings=(unknown, missing)).has_drift)
        self.assertTrue(Plan(steps=(step(add={LIVE}),)).has_drift)
        self.assertEqual((True, False), (Plan().is_empty, Plan(steps=(step(),)).is_empty))


class TestStep(testtools.TestCase):
    def test_foreign_traits_stay(self):
        change = step(add={LIVE}, remove={NOT_LIVE})
        self.assertEqual(
            {LIVE, "CUSTOM_BLUE"}, change.applied_to(frozenset({NOT_LIVE, "CUSTOM_BLUE"}))
        )

    def test_a_reason_of_several_traits_is_given_once(self):
        change = step(
            add={LIVE, MLX5},
            remove={NOT_LIVE},
            reasons={LIVE: "host facts", MLX5: "host facts", NOT_LIVE: "no such device"},
        )
        self.assertEqual("no such device; host facts", change.why)
        self.assertEqual(
            f"compute1: +{MLX5} +{LIVE} -{NOT_LIVE} (durable: yes): no such device; host facts",
            str(change),
        )
