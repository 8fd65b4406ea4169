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

"""What the check of a virtual IOMMU answers."""

from __future__ import annotations

import dataclasses

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.host_scenario import SERVER
from tests.unit.preflight.scenario import facts, knowledge, node, vf
from vfio_lm.pci.hosts import NOTHING_KNOWN
from vfio_lm.preflight import Facts, Host, Status
from vfio_lm.preflight.checks import viommu


class TestViommu(CheckTestCase):
    check = viommu.viommu

    def of_flavor(self, version: int | None = 8_002_002, told: Host = NOTHING_KNOWN) -> Facts:
        specs = {"hw:viommu_model": "virtio"}
        server = {"flavor": dataclasses.replace(facts().server.flavor, extra_specs=specs)}
        of_host = node("compute1", hypervisor_version=version) if version else None
        source = {"node": of_host, "knowledge": told}
        return facts(server=server, source=source, hosts={"compute1": told})

    def test_none(self) -> None:
        self.assert_answers(Status.PASS)

    def test_an_image_that_is_not_known(self) -> None:
        self.assert_answers(Status.UNKNOWN, facts(image_properties=None))

    def test_before_qemu_11_none_migrates(self) -> None:
        outcome = self.assert_answers(Status.FAIL, self.of_flavor(), saying="(virtio)")
        self.assertIn("resize the server to a flavor without hw:viommu_model", outcome.remedy)
        of_image = facts(image_properties={"hw_viommu_model": "intel"})
        self.assertIn("rebuild", self.assert_answers(Status.FAIL, of_image).remedy)

    def test_since_then_the_tracking_of_dirty_pages_decides(self) -> None:
        for version in (11_000_000, None):
            self.assert_answers(Status.UNKNOWN, self.of_flavor(version))
        known = self.of_flavor(11_000_000, knowledge("compute1", vf(user=SERVER, logs_dma=True)))
        self.assert_answers(Status.FAIL, known, saying="track dirty pages")
