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

"""The preflight, and the nova that decides, on each release before the one of the tests."""

from __future__ import annotations

import dataclasses

from tests.cloud import HostSpec
from tests.functional.base import UNTAGGED, YES, CloudTestCase
from tests.functional.host_knowledge import knowledge
from vfio_lm.pci.release import NovaRelease
from vfio_lm.preflight import Verdict

#: What an operator has to write before 2026.2, so that placement has the trait.
YES_WITH_TRAIT = YES | {"traits": "HW_PCI_LIVE_MIGRATABLE"}

BUS = 0x83


class OlderRelease:
    hosts = (
        HostSpec("compute1", bus=0x81, device_specs=(YES,)),
        HostSpec("compute2", bus=0x82, device_specs=(YES_WITH_TRAIT,)),
        # VFs of one PF that differ in live_migratable, which nova refuses from 2026.2 on
        HostSpec(
            "mixed",
            bus=BUS,
            device_specs=(
                YES | {"address": f"0000:{BUS:02x}:00.1"},
                UNTAGGED | {"address": f"0000:{BUS:02x}:00.2"},
            ),
        ),
    )

    def test_the_api_is_that_of_the_release(self):
        data = self.connection.compute.get_endpoint_data()
        self.assertEqual(self.microversion, ".".join(map(str, data.max_microversion)))

    def test_a_server_with_a_vf_goes_where_the_preflight_says(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        known = knowledge(self.cloud, self.hosts, [server])
        report = self.check(server, host="compute2", hosts=known)
        self.assertEqual(Verdict.READY, report.verdict, report)
        self.assertEqual("compute2", self.live_migrate(server, "compute2"))
        report = self.check(server, host="compute1", hosts=known)
        self.assertEqual(Verdict.READY, report.verdict, report)
        self.assertEqual("compute1", self.live_migrate(server, "compute1"))

    def test_a_trait_that_nova_does_not_report_blocks_nothing(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        (device,) = self.check(server, host="mixed").destinations[0].devices
        self.assertEqual("unknown", device.live_migratable.value)
        self.assertEqual(Verdict.UNKNOWN, self.check(server).verdict)
        self.assertEqual("compute2", self.live_migrate(server, "compute2"))
        # now the device's own provider has the trait, and that of compute1 has it not
        self.assertEqual(Verdict.UNKNOWN, self.check(server, host="compute1").verdict)
        self.assertEqual("compute1", self.live_migrate(server, "compute1"))

    def test_a_host_with_a_pf_whose_vfs_differ_is_not_ready(self):
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        known = knowledge(self.cloud, self.hosts, [server])
        self.assertEqual(Verdict.BLOCKED, self.check(server, host="mixed", hosts=known).verdict)
        confs = {name: dataclasses.replace(each, facts=None) for name, each in known.items()}
        self.assertEqual(Verdict.UNKNOWN, self.check(server, host="mixed", hosts=confs).verdict)
        self.assertIsNone(self.live_migrate(server, "mixed"))

    def test_hosts_stop_and_start(self):
        self.cloud.stop_host("compute2")
        server = self.boot(self.flavor("vf-yes:1"), host="compute1")
        report = self.check(server, host="compute2")
        self.assertEqual(Verdict.BLOCKED, report.verdict)
        self.cloud.start_host("compute2")
        self.assertEqual(Verdict.UNKNOWN, self.check(server, host="compute2").verdict)
        self.assertEqual("compute2", self.live_migrate(server))


class TestNova31(OlderRelease, CloudTestCase):
    release = NovaRelease.R2025_1
    microversion = "2.100"


class TestNova32(OlderRelease, CloudTestCase):
    release = NovaRelease.R2025_2
    microversion = "2.100"


class TestNova33(OlderRelease, CloudTestCase):
    release = NovaRelease.R2026_1
    microversion = "2.103"
