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

"""Devices of two hosts, of one kind but for what a test says."""

import dataclasses

from vfio_lm.pci import DeviceKind, PciAddress
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser
from vfio_lm.pci.migratability import MigrationFlags

ALL_FLAGS = MigrationFlags(True, True, True)
IN_USE = DeviceUser("instance-00000001")


def device(address, *, pf=None, node=0, **values):
    """A VF of a ConnectX-7 that may do everything and is free."""
    where = PciAddress.parse(address)
    fields = {
        "vendor_id": "15b3",
        "product_id": "101e",
        "kind": DeviceKind.VF,
        "parent_address": PciAddress.parse(pf) if pf else dataclasses.replace(where, function=0),
        "numa_node": node,
        "driver": "mlx5_vfio_pci",
        "migration": ALL_FLAGS,
        "firmware": "28.39.1002",
    }
    return DeviceFacts(address=where, **fields | values)
