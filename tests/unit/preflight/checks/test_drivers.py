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

"""What the checks of drivers answer."""

from __future__ import annotations

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.host_scenario import SERVER, here, there
from tests.unit.preflight.scenario import SPEC_YES, facts, vf
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import drivers


class TestDrivers(CheckTestCase):
    check = drivers.host_drivers[0]

    def holding(self, *functions):
        known = here(*functions)
        return facts(source={"knowledge": known}, hosts={"compute1": known})

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, self.holding(vf(user=SERVER)))
        in_use = vf(user=SERVER, migration=None, logs_dma=None, migration_state="RUNNING")
        self.assert_answers(Status.PASS, self.holding(in_use))
        silent = vf(user=SERVER, migration=None, logs_dma=None)
        self.assert_answers(Status.UNKNOWN, self.holding(silent))

    def test_what_keeps_a_device_from_being_migrated(self):
        for changes, said in (
            ({"driver": "vfio-pci", "has_variant_driver": False, "migration": None}, "vfio-pci"),
            ({"is_devlink_migratable": False}, "devlink"),
            ({"migration": MigrationFlags()}, "STOP_COPY"),
            ({"logs_dma": False}, "writes memory"),
        ):
            self.assert_answers(Status.FAIL, self.holding(vf(user=SERVER, **changes)), saying=said)

    def test_several_devices_have_to_stop_together(self):
        alone = MigrationFlags(stop_copy=True)
        one, two = (vf(n, user=SERVER, migration=alone) for n in (1, 2))
        self.assert_answers(Status.PASS, self.holding(one))
        self.assert_answers(Status.FAIL, self.holding(one, two), saying="P2P")


class TestDriversThere(CheckTestCase):
    check = drivers.host_drivers[1]

    def test_one_able_device_of_two_is_a_warning(self):
        plain = {"driver": "vfio-pci", "has_variant_driver": False, "migration": None}
        self.assert_answers(Status.PASS, there(vf(1), vf(2)))
        self.assert_answers(Status.WARN, there(vf(1), vf(2, **plain)))
        self.assert_answers(Status.FAIL, there(vf(2, **plain)))
        self.assert_answers(Status.UNKNOWN, facts())

    def test_a_device_that_libvirt_leaves_on_a_driver_of_the_host(self):
        native = {"driver": "mlx5_core", "has_variant_driver": False, "migration": None}
        unmanaged = SPEC_YES | {"managed": "no"}
        self.assert_answers(
            Status.FAIL, there(vf(1, **native), specs=(unmanaged,)), saying="mlx5_core"
        )

    def test_a_device_that_libvirt_will_bind_is_not_judged(self):
        native = {"driver": "mlx5_core", "has_variant_driver": False, "migration": None}
        self.assert_answers(Status.UNKNOWN, there(vf(1, **native)))
