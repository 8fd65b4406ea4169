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

"""What libvirt's errors of a migration mean and what to do; libvirt itself is not called here."""

from __future__ import annotations

import dataclasses
import re

from vfio_lm.errors import VfioLmError

# libvirt/virterror.h, virErrorNumber
HOOK_SCRIPT_FAILED = 70
OPERATION_ABORTED = 78

_PROBE = "'vfio-lm-host probe' there tells what each device's driver can do"


@dataclasses.dataclass(frozen=True)
class _Meaning:
    """Which errors, by number, by text or by both; and the way out."""

    way_out: str
    code: int | None = None
    pattern: str = ""

    def fits(self, code: int, message: str) -> bool:
        return self.code in (None, code) and bool(re.search(self.pattern, message))


# Seen on libvirt 9.0 and 11.3 with QEMU 7.2 and 10.0. The first that fits is taken.
_MEANINGS = (
    _Meaning(
        "the guard on the destination refused: its line above says why, and 'vfio-lm-host hook "
        "status' there says which guard it is",
        code=HOOK_SCRIPT_FAILED,
    ),
    _Meaning(
        "a source device is bound to a driver that cannot migrate: bind it to its variant driver "
        "and start the domain again; 'vfio-lm-host probe' tells what each driver can do",
        pattern="VFIO migration is not supported in kernel",
    ),
    _Meaning(
        "neither the device nor the IOMMU tracks what the device writes: use firmware and driver "
        "with DMA logging, or a kernel and IOMMU with dirty tracking (iommufd) on both hosts",
        pattern="support device and IOMMU dirty tracking|ram_save_setup failed",
    ),
    _Meaning(
        "the device is in use on the destination: name a free one with --map",
        pattern=r"'/dev/vfio/[^']*': Device or resource busy|is in use by driver",
    ),
    _Meaning(
        "libvirt before 10.0 takes a device on a variant driver with managed='no' only after "
        "'virsh nodedev-detach' there; better, use libvirt 10.0 or later",
        pattern="must be manually detached",
    ),
    _Meaning(
        "two devices of the domain would become one: give each its own with --map",
        pattern="Hostdev already exists in the domain configuration",
    ),
    _Meaning(
        "libvirt says this when a device does not exist on the destination: see libvirtd's log "
        "there; " + _PROBE,
        pattern="the cause is unknown",
    ),
    _Meaning(
        "a hook on the destination changed what the guest sees: look at /etc/libvirt/hooks there",
        code=67,  # VIR_ERR_CONFIG_UNSUPPORTED
        pattern="does not match source",
    ),
    _Meaning(
        "a hook on the destination printed something that is no domain XML: look at "
        "/etc/libvirt/hooks there",
        code=35,  # VIR_ERR_XML_DETAIL
    ),
    _Meaning(
        "a disk is not on shared storage: this command moves no disks",
        code=81,  # VIR_ERR_MIGRATE_UNSAFE
    ),
    _Meaning(
        "the source's libvirtd reaches the destination's libvirtd or QEMU at no such address: "
        "check name resolution, libvirtd's transport, and TCP ports 49152 to 49215",
        pattern="unable to connect to server|Connection refused|No route to host",
    ),
    _Meaning(
        "QEMU on the destination did not take the devices: see /var/log/libvirt/qemu there; "
        + _PROBE,
        pattern="vfio [0-9a-f]{4}:",
    ),
)


class LibvirtError(VfioLmError):
    """Libvirt refused, with its own words and what to do about it.

    :param action: what was to be done
    :param code: libvirt's number of the error
    :param message: libvirt's text
    """

    def __init__(self, action: str, code: int, message: str) -> None:
        advice = way_out(code, message)
        super().__init__(f"{action}: libvirt says: {message}{f': {advice}' if advice else ''}")
        self.code = code
        self.message = message


def way_out(code: int, message: str) -> str | None:
    """Return what to do about an error, or None where libvirt's text has to do.

    :param code: libvirt's ``virErrorNumber``
    """
    return next((each.way_out for each in _MEANINGS if each.fits(code, message)), None)
