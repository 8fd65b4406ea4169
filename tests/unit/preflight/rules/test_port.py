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

"""Which devices serve a port."""

from __future__ import annotations

import json

import testtools

from vfio_lm.pci import Device, DeviceKind, PciAddress, parse_device_specs
from vfio_lm.preflight.rules.port import Port, serves_port


class TestServesPort(testtools.TestCase):
    def serves(self, vnic_type, kind, tags, **asked):
        (spec,) = parse_device_specs([json.dumps(tags)])
        device = Device(PciAddress(0, 0x81, 0, 1), "8086", "1515", kind)
        return serves_port(Port("p1", vnic_type, **asked), device, spec)

    def test_network_kind_and_trust_have_to_be_right(self):
        vf, pf = DeviceKind.VF, DeviceKind.PF
        tags = {"physical_network": "Physnet1", "trusted": "true"}
        on = {"physical_network": "physnet1"}
        self.assertTrue(self.serves("direct", vf, tags, **on))
        self.assertFalse(self.serves("direct", vf, tags, physical_network="physnet2"))
        self.assertFalse(self.serves("direct", vf, tags))
        self.assertFalse(self.serves("direct", pf, tags, **on))
        self.assertTrue(self.serves("direct-physical", pf, tags, **on))
        self.assertFalse(self.serves("direct-physical", vf, tags, **on))
        self.assertTrue(self.serves("direct", vf, tags, trusted=True, **on))
        self.assertFalse(self.serves("direct", vf, tags, trusted=False, **on))
        self.assertTrue(self.serves("direct", vf, {}))
        self.assertFalse(self.serves("direct", vf, tags | {"remote_managed": "true"}, **on))
