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

"""The folders of a libvirt, which are fixed when it is built; which one a host has is not here.

The module is light enough for a hook that libvirt waits for.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class LibvirtFolders:
    """Absolute paths, as the daemon itself has them."""

    definitions: str
    """Of domains, as they are defined."""
    status: str
    """What the daemon keeps of each domain that runs."""
    logs: str
    """Of QEMU, one for each domain."""
    hooks: str


AS_PACKAGED = LibvirtFolders(
    definitions="/etc/libvirt/qemu",
    status="/run/libvirt/qemu",
    logs="/var/log/libvirt/qemu",
    hooks="/etc/libvirt/hooks",
)
"""Of distributions, and of images made of their packages."""

_SNAP = "/var/snap/openstack-hypervisor/common"
IN_SNAP = LibvirtFolders(
    definitions=f"{_SNAP}/etc/libvirt/qemu",
    status=f"{_SNAP}/run/libvirt/qemu",
    logs=f"{_SNAP}/log/libvirt/qemu",
    hooks=f"{_SNAP}/etc/libvirt/hooks",
)
"""Of the snap openstack-hypervisor: ``meson-parameters`` (sysconfdir, localstatedir) of its
``snap/snapcraft.yaml`` (da59891, March 2026)."""

SNAP_PROGRAMS = "/snap/openstack-hypervisor/"
"""Where the daemon of the snap runs from."""
