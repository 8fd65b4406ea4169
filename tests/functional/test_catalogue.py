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

"""In each situation of the catalogue one check alone speaks, and its remedy makes ready.

What a remedy says is done to the letter: its lines are taken out of the report and run.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable

import testtools

from tests.cloud import HostSpec
from tests.functional.base import ALIAS_YES, UNTAGGED, YES
from tests.functional.operating import Operator, ways
from tests.functional.situations.catalogue import CATALOGUE
from tests.functional.situations.stage import Place, Situation, Stage
from vfio_lm.preflight import CheckResult, Report, Status, Verdict
from vfio_lm.preflight.registry import installed_checks

TOLD_OF_HOSTS = (Place.ON_HOSTS, Place.PORTS, Place.NEUTRON)
OF_A_NETWORK = UNTAGGED | {"physical_network": "physnet2"}
#: Held against nova's own outcome in test_nova_says and test_histories: what settles them is nova's
#: own word.
_HELD_ELSEWHERE = {"nova-dry-run", "request-drift"}
_VERDICTS = {
    Status.FAIL: Verdict.BLOCKED,
    Status.WARN: Verdict.READY,
    Status.UNKNOWN: Verdict.UNKNOWN,
}


class CatalogueTestCase(Stage):
    place: Place

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.operator = Operator(self, pathlib.Path(folder.name))
        self.operator.know_api()

    def __init_subclass__(cls) -> None:
        """Make a test of each situation in a cloud of this kind."""
        for situation in CATALOGUE:
            if situation.place is cls.place:
                setattr(cls, f"test_{situation.name}", _test(situation))

    def run_situation(self, situation: Situation) -> None:
        server = situation.make(self)
        if self.place in TOLD_OF_HOSTS and not self.operator.is_told_of_hosts:
            self.operator.know_hosts()
        report = self.operator.check(server)
        result = self._alone(report, situation)
        self.assertIs(situation.verdict or _expected(result), report.verdict, report.to_dict())
        before = self.host_of(server)
        # A sentence stands before the lines to paste, which may need what it asks for.
        if situation.besides:
            situation.besides(self)
        if ways(result.remedy)[situation.way]:
            self.operator.follow(result.remedy, situation.way)
        if situation.moves:
            self.assertNotEqual(before, self.host_of(server))
            return
        report = self.operator.check(server)
        if situation.left_open:
            open_ids = {
                each.id
                for each in report.all_checks
                if each.status is Status.UNKNOWN and each.is_decisive
            }
            self.assertEqual(set(situation.left_open), open_ids, report.to_dict())
        expected = Verdict.UNKNOWN if situation.left_open else Verdict.READY
        self.assertIs(expected, report.verdict, report.to_dict())
        left = {each.status for each in _answers(report, situation)} - _WELL
        self.assertEqual({situation.afterwards} - {None}, left, report.to_dict())

    def _alone(self, report: Report, situation: Situation) -> CheckResult:
        said = [
            each
            for each in report.all_checks
            if each.status in (Status.FAIL, Status.WARN)
            or (each.status is Status.UNKNOWN and (each.is_decisive or each.id == situation.check))
        ]
        self.assertEqual(
            {situation.check, *situation.with_it},
            {each.id for each in said} - situation.perhaps_with,
            report.to_dict(),
        )
        found = [each for each in _answers(report, situation) if each.status is situation.status]
        self.assertNotEqual([], found, report.to_dict())
        return found[0]


_WELL = {Status.PASS, Status.NOT_APPLICABLE}


def _answers(report: Report, situation: Situation) -> list[CheckResult]:
    return [
        each
        for each in report.all_checks
        if each.id == situation.check and situation.scope in (None, each.scope)
    ]


def _expected(result: CheckResult) -> Verdict:
    if result.status is Status.UNKNOWN and not result.is_decisive:
        return Verdict.READY
    return _VERDICTS[result.status]


def _test(situation: Situation) -> Callable[[CatalogueTestCase], None]:
    return lambda case: case.run_situation(situation)


class TestInPlacement(CatalogueTestCase):
    place = Place.IN_PLACEMENT
    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(YES,)),
        HostSpec("compute2", bus=0x82, device_specs=(YES,), memory_mb=2048),
    )


class TestThreeHosts(CatalogueTestCase):
    place = Place.THREE_HOSTS
    hosts = tuple(HostSpec(f"compute{i}", bus=0x80 + i, device_specs=(YES,)) for i in (1, 2, 3))


class TestOnHosts(CatalogueTestCase):
    place = Place.ON_HOSTS
    pci_in_placement = False
    aliases = (ALIAS_YES,)
    hosts = tuple(HostSpec(f"compute{i}", bus=0x80 + i, device_specs=(YES,)) for i in (1, 2))


class TestPorts(CatalogueTestCase):
    place = Place.PORTS
    pci_in_placement = False
    aliases = (ALIAS_YES,)
    hosts = tuple(
        HostSpec(f"compute{i}", bus=0x80 + i, device_specs=(OF_A_NETWORK,)) for i in (1, 2)
    )


class TestNeutron(CatalogueTestCase):
    place = Place.NEUTRON
    has_neutron = True
    pci_in_placement = False
    aliases = (ALIAS_YES,)
    hosts = TestPorts.hosts


class TestCatalogue(testtools.TestCase):
    def test_every_installed_check_has_a_situation(self):
        asked = {
            (check.id, check.scope)
            for check in installed_checks()
            if check.id not in _HELD_ELSEWHERE
        }
        told = {
            (each.id, each.scope)
            for situation in CATALOGUE
            for each in installed_checks()
            if each.id == situation.check and situation.scope in (None, each.scope)
        }
        self.assertEqual(asked, told)
        self.assertLessEqual(
            {situation.check for situation in CATALOGUE}, {check.id for check in installed_checks()}
        )
