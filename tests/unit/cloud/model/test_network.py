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


"""What nova does with a port is decided by its type."""

import testtools

from vfio_lm.cloud.model import PCI_VNIC_TYPES, Port, PortKind


class TestPortKind(testtools.TestCase):
    def test_each_type_that_takes_a_device_has_a_kind(self):
        refused = {"accelerator-direct", "accelerator-direct-physical"}
        special = {"vdpa", "remote-managed"}
        for vnic_type in PCI_VNIC_TYPES:
            kind = Port("p", vnic_type).kind
            self.assertEqual(vnic_type in refused, kind is PortKind.REFUSED, vnic_type)
            self.assertEqual(vnic_type in special, kind is PortKind.SPECIAL, vnic_type)

    def test_the_types_are_those_of_nova(self):
        from nova.network import model

        self.assertEqual(PCI_VNIC_TYPES, {*model.VNIC_TYPES_SRIOV, *model.VNIC_TYPES_ACCELERATOR})
