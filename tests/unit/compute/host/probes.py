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

"""The probe of a tree of files, with devices that answer in the place of drivers."""

import datetime

from tests import sysfs_tree
from tests.unit.compute.host.trees import TreeCase
from vfio_lm.compute.host.probe import HostProbe
from vfio_lm.compute.host.vfio import DeviceAnswers
from vfio_lm.pci import PciAddress
from vfio_lm.pci.host_facts import parse_host_facts
from vfio_lm.pci.migratability import MigrationFlags

NOW = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)
UUID = "5b6e5350-0000-4000-8000-000000000001"
FULL = DeviceAnswers(MigrationFlags(True, True, True), logs_dma=True, state_size_bytes=1 << 20)
VERSIONS = """\
Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22
Running against daemon: 9.0.1
"""
_CELL = """\
<cell id='{0}'>
  <memory unit='KiB'>2097152</memory>
  <pages unit='KiB' size='4'>524288</pages>
  <pages unit='KiB' size='2048'>512</pages>
  <distances><sibling id='{0}' value='10'/></distances>
  <cpus num='2'>
    <cpu id='{1}' socket_id='{0}' die_id='0' core_id='0' siblings='{1}'/>
    <cpu id='{2}' socket_id='{0}' die_id='0' core_id='1' siblings='{2}'/>
  </cpus>
</cell>
"""
CAPABILITIES = f"""\
<capabilities>
  <host>
    <cpu><pages unit='KiB' size='4'/><pages unit='KiB' size='2048'/></cpu>
    <topology><cells num='2'>{_CELL.format(0, 0, 1)}{_CELL.format(1, 2, 3)}</cells></topology>
  </host>
</capabilities>
"""


class FakeDevices:
    """Answers for every device, and notes which were opened."""

    def __init__(self, answers=FULL, error=None):
        self.answers = answers
        self.error = error
        self.opened = []

    def ask_device(self, address, group, node):
        self.opened.append(str(address))
        if self.error:
            raise self.error
        return self.answers


class ProbeCase(TreeCase):
    def setUp(self):
        super().setUp()
        self.vfio = FakeDevices()
        self.options = {}

    def probe(self, *addresses):
        probe = HostProbe(self.sysfs, vfio=self.vfio, **self.options)
        facts = probe.host("host1", NOW, [PciAddress.parse(each) for each in addresses])
        self.assertEqual(facts, parse_host_facts(facts.to_json(), "here"))
        return facts

    def device(self, address):
        (facts,) = self.probe(address).devices
        return facts


class HostDevicesCase(ProbeCase):
    """Probes the VFs of a card of the host that the probe runs on."""

    def setUp(self):
        super().setUp()
        self.vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        # Without any process, no user can be ruled out.
        self.tree.write("proc/1/comm", "systemd\n")
        self.tree.add_libvirt()


class BundleCase(ProbeCase):
    """Probes the VFs of a card in a support bundle."""

    def setUp(self):
        super().setUp()
        self.vfio = None
        self.vfs = sysfs_tree.qat(self.tree, "0000:6b:00.0")
