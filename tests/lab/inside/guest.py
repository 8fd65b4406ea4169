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

"""The nested guest: firmware that waits for a disk, and the VFs that it has been given."""

from __future__ import annotations

from collections.abc import Sequence

NAME = "guest"
UUID = "11111111-2222-4333-8444-555555555555"

_DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
{devices}
  </devices>
</domain>
"""
_DEVICE = """\
    <hostdev mode='subsystem' type='pci' managed='no'>
      <driver name='vfio'/>
      <source><address domain='0x{}' bus='0x{}' slot='0x{}' function='0x{}'/></source>
    </hostdev>"""


def domain_xml(addresses: Sequence[str]) -> str:
    """Return the XML of the guest with these VFs."""
    devices = (_DEVICE.format(*address.replace(".", ":").split(":")) for address in addresses)
    return _DOMAIN.format(name=NAME, uuid=UUID, devices="\n".join(devices))
