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

import collections
import dataclasses
import itertools
import pathlib
import tempfile

import testtools

from tests.fidelity.generate import generate
from tests.fidelity.generate_ports import generate_ports
from tests.fidelity.generate_servers import generate_servers
from tests.fidelity.history import History
from tests.fidelity.judgement import Agreement, Answer, Informed, Judgement, Subject
from tests.fidelity.matrix import Matrix
from tests.fidelity.scenario import Scenario
from vfio_lm.preflight import Verdict

_MAKERS = (generate, generate_ports, generate_servers)


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


class TestPopulation(testtools.TestCase):
    """The shares that the documentation names."""

    def setUp(self):
        super().setUp()
        self.scenarios = [generate_servers(seed, n) for seed in range(4) for n in range(100)]

    def share(self, condition):
        return sum(map(condition, self.scenarios)) / len(self.scenarios)

    def test_most_servers_have_a_numa_topology(self):
        makers = {"hw:cpu_policy", "hw:mem_page_size", "hw:numa_nodes"}
        share = self.share(lambda each: not makers.isdisjoint(each.server.extra_specs))
        self.assertLess(0.6, share)

    def test_a_third_has_a_history_and_every_history_is_there(self):
        histories = collections.Counter(each.server.history for each in self.scenarios)
        self.assertTrue(0.28 < 1 - histories[None] / len(self.scenarios) < 0.4, histories)
        self.assertEqual({None, *History}, set(histories))

    def test_ports_are_of_three_kinds_and_options_differ(self):
        kinds = {port.vnic_type for each in self.scenarios for port in each.server.ports}
        self.assertEqual({"normal", "direct", "macvtap"}, kinds)
        self.assertEqual(4, len({str(each.nova_options) for each in self.scenarios}))

    def test_hosts_have_devices_on_several_nodes_and_pages_of_several_sizes(self):
        self.assertEqual(1.0, self.share(lambda each: each.hosts[0].spec.pfs == 2))
        self.assertLess(0.5, self.share(lambda each: len(each.hosts[0].spec.huge_pages) == 2))


def _answer(verdict: Verdict, is_moved: bool, **fields: object) -> Answer:
    known = {"subject": Subject.SERVER, "host": None, "nova": "moved"} | fields
    return Answer(verdict=verdict, is_moved=is_moved, **known)


def _judgement(*answers: Answer, void: str = "") -> Judgement:
    return Judgement(1, 2, answers, void)


class TestMatrix(testtools.TestCase):
    def test_a_ready_server_that_nova_does_not_move_is_a_false_ready(self):
        judgement = _judgement(_answer(Verdict.READY, False))
        self.assertEqual(judgement.answers, judgement.disagreements)
        matrix = Matrix.of([judgement])
        self.assertEqual(1, matrix.scenarios_with(Agreement.FALSE_READY, Informed.FULLY))

    def test_a_blocked_destination_that_nova_takes_is_a_false_blocked(self):
        wrong = _answer(Verdict.BLOCKED, True, subject=Subject.DESTINATION, host="b")
        judgement = _judgement(_answer(Verdict.READY, True), wrong)
        self.assertEqual((wrong,), judgement.disagreements)
        matrix = Matrix.of([judgement])
        self.assertEqual(1, matrix.scenarios_with(Agreement.FALSE_BLOCKED, Informed.FULLY))
        self.assertEqual(0, matrix.scenarios_with(Agreement.FALSE_BLOCKED, Informed.PARTLY))

    def test_unknown_is_counted_with_its_reasons(self):
        known = _judgement(_answer(Verdict.UNKNOWN, True, unknown=("numa",)))
        missing = _answer(Verdict.UNKNOWN, False, unknown=("numa",), informed=Informed.PARTLY)
        matrix = Matrix.of([known, _judgement(missing)])
        self.assertEqual((), known.disagreements + _judgement(missing).disagreements)
        self.assertIn(("every input", "numa", "1", "100.0 %"), matrix.unknowns())
        self.assertIn(
            ("some missing", "1", "0", "0", "0", "0", "0", "1, 100.0 %"), matrix.summary()
        )

    def test_a_server_in_error_is_wrong_unless_it_was_foreseen(self):
        for verdict, is_warned, agreement in (
            (Verdict.READY, True, Agreement.FALSE_READY),
            (Verdict.UNKNOWN, False, Agreement.UNFORESEEN_ERROR),
            (Verdict.UNKNOWN, True, Agreement.FOREWARNED),
            (Verdict.BLOCKED, False, Agreement.RIGHT),
        ):
            answer = _answer(verdict, False, is_broken=True, is_warned=is_warned)
            self.assertEqual(agreement, answer.agreement)
            is_wrong = agreement not in (Agreement.FOREWARNED, Agreement.RIGHT)
            self.assertEqual(is_wrong, bool(_judgement(answer).disagreements))

    def test_errors_after_unknown_are_counted_by_whether_they_were_warned_of(self):
        broken = {"is_broken": True, "is_warned": True}
        warned = _judgement(_answer(Verdict.UNKNOWN, False, **broken))
        unwarned = _judgement(_answer(Verdict.UNKNOWN, False, is_broken=True))
        (row,) = Matrix.of([warned, unwarned, unwarned]).summary()
        self.assertEqual(("2", "1"), row[5:7])
        moved = _judgement(_answer(Verdict.UNKNOWN, True, is_warned=True))
        self.assertEqual(("0", "0"), Matrix.of([moved]).summary()[0][5:7])

    def test_our_checks_the_dry_run_and_nova_stand_side_by_side(self):
        own = _answer(Verdict.READY, False, informed=Informed.BY_HOSTS, is_broken=True)
        said = _answer(Verdict.BLOCKED, False, informed=Informed.BY_DRY_RUN, is_broken=True)
        matrix = Matrix.of([_judgement(own, said)])
        self.assertEqual([("server", "ready", "blocked", "ERROR", "1")], matrix.three_ways())

    def test_scenarios_without_a_server_do_not_count(self):
        matrix = Matrix.of(
            [_judgement(void="no valid host"), _judgement(_answer(Verdict.READY, True))]
        )
        self.assertEqual("1", matrix.summary()[0][1])

    def test_a_judgement_is_noted_on_one_line(self):
        judgement = dataclasses.replace(
            _judgement(_answer(Verdict.UNKNOWN, True, unknown=("numa",))), seconds={"nova": 1.5}
        )
        self.assertNotIn("\n", judgement.to_json())
        self.assertEqual(judgement, Judgement.from_json(judgement.to_json()))

    def test_the_tables_of_the_documentation_are_rst(self):
        text = Matrix.of([_judgement(_answer(Verdict.READY, True))]).rst()
        self.assertEqual(2, text.count(".. list-table::"))
        self.assertIn("   * - server\n     - every input\n     - ready\n     - 1\n     - 0\n", text)
