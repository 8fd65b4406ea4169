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

"""The lab's programme, in the machine; each part is in a module of its own."""

from __future__ import annotations

import os
import pathlib
import platform
import traceback
from collections.abc import Callable, Sequence

from tests.lab.inside import devices, probing
from tests.lab.inside.hosts import Host, start_hosts, start_libvirt, stop
from tests.lab.inside.migrating import Migrations
from tests.lab.inside.transcript import Transcript

_NOT_SHOWN = {
    "PRE_COPY": "the test driver has no such state",
    "QEMU with iommufd": "this libvirt has it open devices through their groups",
    "devlink, vGPU types, firmware": "they belong to real devices",
}


def main() -> None:
    pathlib.Path("/var/log/lab").mkdir(parents=True, exist_ok=True)
    transcript = Transcript()
    transcript.title(f"A machine with Linux {platform.release()} and {os.cpu_count()} processors")
    try:
        vfs = devices.create_vfs(len(probing.CASES))
        _probe(transcript, vfs)
        _migrate(transcript, vfs)
        transcript.title("What the lab does not show")
        for what, why in _NOT_SHOWN.items():
            transcript.not_run(what, why)
    except Exception as exc:  # noqa: BLE001 - whatever it is, the transcript has to tell it
        traceback.print_exc()
        transcript.check("the programme comes to its end", False, exc)
    transcript.end()


def _probe(transcript: Transcript, vfs: Sequence[str]) -> None:
    transcript.title("Debian's VFIO: groups only, and no part in DMA logging")
    devices.load_debian_vfio()
    probing.bind_cases(vfs)
    probing.check_probe(transcript, vfs, kernel_logs=False)
    for address in vfs:
        devices.unbind(address)

    transcript.title("The same sources with iommufd, device nodes and debugfs: through groups")
    devices.replace_vfio_by_full()
    probing.bind_cases(vfs)
    probing.check_probe(transcript, vfs, kernel_logs=True)
    transcript.title("And through iommufd")
    probing.check_cdev(transcript, vfs)


def _migrate(transcript: Transcript, vfs: Sequence[str]) -> None:
    for address in vfs[:4]:
        devices.bind(address, devices.VARIANT)
    transcript.title("Two hosts, with the guard installed before libvirt starts")
    hosts = start_hosts(transcript)
    for host in hosts:
        host.type("vfio-lm-host hook install")
        start_libvirt(host)
    hosts[0].type("virsh version --daemon")
    migrations = Migrations(transcript, hosts, vfs)
    programme: Sequence[tuple[str, Callable[[], None]]] = (
        ("A guest with a VF is moved by vfio-lm-host migrate", migrations.by_command),
        ("The VF is in use: the probe leaves it alone", migrations.probe_in_use),
        ("The guard refuses VFs that cannot take the guest", migrations.refused_by_guard),
        (
            "The guest is moved back by virsh migrate, and the hook applies a map",
            migrations.by_hook,
        ),
        ("A guest with two VFs is moved crosswise", migrations.two_devices),
        ("The driver on the destination refuses the state", migrations.refused_state),
        ("The command refuses a VF on plain vfio-pci", migrations.refused_by_command),
    )
    try:
        for title, part in programme:
            transcript.title(title)
            part()
    finally:
        _stop(hosts)


def _stop(hosts: Sequence[Host]) -> None:
    for host in hosts:
        stop(host)


if __name__ == "__main__":
    main()
