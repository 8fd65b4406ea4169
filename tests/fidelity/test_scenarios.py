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

"""Scenarios, their files, and what is counted over their judgements; no cloud is needed."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import tempfile

import testtools

from tests.fidelity.generate import generate
from tests.fidelity.generate_ports import generate_ports
from tests.fidelity.judgement import Agreement, Answer, Judgement, Subject
from tests.fidelity.matrix import Matrix
from tests.fidelity.scenario import Scenario
from vfio_lm.preflight import Verdict

_MAKERS = (generate, generate_ports)


class TestScenarios(testtools.TestCase):
    def test_seed_and_number_make_a_scenario_again(self):
        for make, number in itertools.product(_MAKERS, range(100)):
            self.assertEqual(make(5, number), make(5, number))

    def test_a_file_makes_a_scenario_again(self):
        for make, number in itertools.product(_MAKERS, range(100)):
            scenario = make(5, number)
            self.assertEqual(scenario, Scenario.from_json(scenario.to_json()))

    def test_scenarios_differ(self):
        for make in _MAKERS:
            self.assertEqual(100, len({make(5, number).to_json() for number in range(100)}))

    def test_a_file_that_is_no_scenario_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "wrong.json")
            path.write_text('{"seed": 1}')
            error = self.assertRaises(ValueError, Scenario.load, path)
        self.assertIn("wrong.json: this is no scenario", str(error))

    def test_the_server_is_moved_between_hosts_of_the_scenario(self):
        for number in range(100):
            scenario = generate(5, number)
            names = {host.spec.name for host in scenario.hosts}
            self.assertIn(scenario.server.host, names)
            self.assertLessEqual({scenario.named_host} - {None}, names - {scenario.server.host})


def _answer(verdict: Verdict, is_moved: bool, **fields: object) -> Answer:
    known = {"subject": Subject.SERVER, "host": None, "nova": "moved"} | fields
    return Answer(verdict=verdict, is_moved=is_moved, **known)


def _judgement(*answers: Answer, is_complete: bool = True, void: str = "") -> Judgement:
    return Judgement(1, 2, is_complete, answers, void)


class TestMatrix(testtools.TestCase):
    def test_a_ready_server_that_nova_does_not_move_is_a_false_ready(self):
        judgement = _judgement(_answer(Verdict.READY, False))
        self.assertEqual(judgement.answers, judgement.disagreements)
        self.assertEqual(1, Matrix.of([judgement]).scenarios_with(Agreement.FALSE_READY))

    def test_a_blocked_destination_that_nova_takes_is_a_false_blocked(self):
        wrong = _answer(Verdict.BLOCKED, True, subject=Subject.DESTINATION, host="b")
        judgement = _judgement(_answer(Verdict.READY, True), wrong)
        self.assertEqual((wrong,), judgement.disagreements)
        self.assertEqual(1, Matrix.of([judgement]).scenarios_with(Agreement.FALSE_BLOCKED))

    def test_unknown_is_never_wrong_but_counted(self):
        known = _judgement(_answer(Verdict.UNKNOWN, True, unknown=("numa",)))
        missing = _judgement(_answer(Verdict.UNKNOWN, False, unknown=("numa",)), is_complete=False)
        matrix = Matrix.of([known, missing])
        self.assertEqual((), known.disagreements + missing.disagreements)
        self.assertEqual(1, matrix.scenarios_with(Agreement.UNKNOWN, complete_only=True))
        self.assertIn(("every input", "numa", "1"), matrix.unknowns())
        self.assertIn("unknown with every input  1       100.0 %", matrix.text())

    def test_scenarios_without_a_server_do_not_count(self):
        matrix = Matrix.of([_judgement(void="no valid host"), _judgement()])
        self.assertIn("scenarios                 1", matrix.text())

    def test_a_judgement_is_noted_on_one_line(self):
        judgement = dataclasses.replace(
            _judgement(_answer(Verdict.UNKNOWN, True, unknown=("numa",))), seconds={"nova": 1.5}
        )
        self.assertNotIn("\n", judgement.to_json())
        self.assertEqual(judgement, Judgement.from_json(judgement.to_json()))

    def test_the_tables_of_the_documentation_are_rst(self):
        text = Matrix.of([_judgement(_answer(Verdict.READY, True))]).rst()
        self.assertEqual(3, text.count(".. list-table::"))
        self.assertIn("   * - server\n     - every input\n     - ready\n     - 1\n     - 0\n", text)
