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

"""Verdicts agree with nova in a fixed set of random scenarios, and wherever they once did not."""

from __future__ import annotations

import pathlib
from typing import ClassVar

import testtools

from tests.cloud import environments
from tests.fidelity.generate import generate
from tests.fidelity.outcome import judge
from tests.fidelity.scenario import Scenario
from tests.fidelity.stage import Stager
from tests.functional.base import CLOUDS
from vfio_lm.preflight import Verdict

_FOLDER = pathlib.Path(__file__).with_name("scenarios")
_SEED, _COUNT = 2, 20


class TestVerdicts(testtools.TestCase):
    """Each test is a scenario, which ``python -m tests.fidelity --replay`` runs as well."""

    stager: ClassVar[Stager]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.stager = Stager(CLOUDS.of_release(environments.CURRENT, has_neutron=True))

    def assert_nova_agrees(self, scenario: Scenario) -> None:
        self.addDetail("scenario", testtools.content.text_content(scenario.to_json()))
        judgement = judge(self.stager, scenario)
        if judgement.void:
            # Nova did not even build the servers; on a busy machine that need not be so again.
            judgement = judge(self.stager, scenario)
        self.assertEqual("", judgement.void)
        # An unknown says nothing that nova could contradict, whatever became of the server.
        false = [each for each in judgement.disagreements if each.verdict is not Verdict.UNKNOWN]
        self.assertEqual([], [answer.sentence for answer in false])


def _add_test(name: str, scenario: Scenario) -> None:
    def test(self: TestVerdicts) -> None:
        self.assert_nova_agrees(scenario)

    setattr(TestVerdicts, f"test_{name}", test)


for _path in sorted(_FOLDER.glob("*.json")):
    _add_test(_path.stem.replace("-", "_"), Scenario.load(_path))
for _number in range(_COUNT):
    _add_test(f"seed_{_SEED}_number_{_number:02}", generate(_SEED, _number))
