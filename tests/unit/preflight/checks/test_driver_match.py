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

"""What the checks of both ends' devices together answer."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.host_scenario import SERVER, here, there
from tests.unit.preflight.scenario import conf, facts, vf
from vfio_lm.preflight import Host, Status
from vfio_lm.preflight.checks import driver_match


class TestSameDriver(CheckTestCase):
    check = driver_match.destination_same_driver

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, there(vf()))
        self.assert_answers(Status.FAIL, there(vf(driver="qat_vfio_pci")), saying="qat_vfio_pci")
        self.assert_answers(Status.WARN, there(vf(1), vf(2, driver="qat_vfio_pci")))
        self.assert_answers(Status.FAIL, there(vf(vgpu_type="nvidia-1")))


class TestDowntime(CheckTestCase):
    check = driver_match.downtime_fits

    def of_host(self, size, downtime_ms=500):
        known = here(vf(user=SERVER, state_size_bytes=size), downtime_ms=downtime_ms)
        return Host(facts=known.facts)

    def moving(self, size, downtime_ms=500):
        known = self.of_host(size, downtime_ms)
        return facts(source={"knowledge": known}, hosts={"compute1": known})

    def test_answers(self):
        self.assert_answers(Status.PASS, self.moving(1_000_000))
        self.assert_answers(Status.UNKNOWN, self.moving(100 * 2**20))
        outcome = self.assert_answers(Status.WARN, self.moving(64 * 2**30))
        self.assertIn("live_migration_downtime = 549756", outcome.remedy)
        self.assert_answers(Status.UNKNOWN, self.moving(None))
        self.assert_answers(Status.UNKNOWN, self.moving(1000, downtime_ms=None))
        allowed = Host(conf=conf(downtime_ms=1_000_000), facts=self.of_host(64 * 2**30).facts)
        known = facts(source={"knowledge": allowed}, hosts={"compute1": allowed})
        self.assert_answers(Status.PASS, known)
        self.assert_answers(Status.UNKNOWN)
