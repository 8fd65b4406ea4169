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

"""The PCI devices of a fake compute host; not what nova makes of them."""

from __future__ import annotations

from nova.tests.fixtures import libvirt as fake_libvirt

from tests.cloud.spec import NUMA_NODES, HostSpec

FUNCTIONS_OF_A_SLOT = 8
#: any number to begin with
FIRST_IOMMU_GROUP = 40


class Devices(fake_libvirt.HostPCIDevicesInfo):  # type: ignore[misc]
    """The PFs of a host, each with its VFs in the functions that follow it.

    nova's own layout names a wrong parent for some VFs as soon as a PF has more than
    six of them (nova 34.0.0, nova.tests.fixtures.libvirt.FakePCIDevice): it takes the
    parent's slot from the number of VFs of the PF instead of the place of the VF.
    """

    def __init__(self, spec: HostSpec) -> None:
        super().__init__(num_pfs=0, num_vfs=0)
        self._bus = spec.bus or 0
        self._iommu_group = FIRST_IOMMU_GROUP
        slot = 0
        for product in spec.products:
            for number in range(spec.pfs):
                slot = self._add_pf(slot, number % NUMA_NODES, product, spec.vfs)

    def _add_pf(self, slot: int, numa_node: int, product: str, vfs: int) -> int:
        """Add a PF with its VFs; give the next free slot."""
        self.add_device(
            dev_type="PF",
            bus=self._bus,
            slot=slot,
            function=0,
            iommu_group=self._next_iommu_group(),
            numa_node=numa_node,
            vf_ratio=vfs,
        )
        for place in range(1, vfs + 1):
            slots_away, function = divmod(place, FUNCTIONS_OF_A_SLOT)
            self.add_device(
                dev_type="VF",
                bus=self._bus,
                slot=slot + slots_away,
                function=function,
                iommu_group=self._next_iommu_group(),
                numa_node=numa_node,
                parent=(self._bus, slot, 0),
                prod_id=product,
                # all that the fixture takes from this number is how many slots away
                # the parent is
                vf_ratio=slots_away * FUNCTIONS_OF_A_SLOT,
            )
        return slot + vfs // FUNCTIONS_OF_A_SLOT + 1

    def _next_iommu_group(self) -> int:
        self._iommu_group += 1
        return self._iommu_group


def processors(spec: HostSpec) -> fake_libvirt.HostInfo:
    """Give the processors and the memory of a host, on two NUMA nodes where they divide."""
    nodes = spec.numa_nodes
    return fake_libvirt.HostInfo(
        cpu_nodes=nodes,
        cpu_sockets=1,
        cpu_cores=spec.vcpus // nodes,
        cpu_threads=1,
        kB_mem=spec.memory_mb * 1024,
        mempages=[fake_libvirt.create_mempages(spec.pages) for _ in range(nodes)],
    )
