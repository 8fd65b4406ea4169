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

"""Does a guest with VFs live migrate between two hosts, and is a lost state noticed?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tests.lab.inside import devices, guest
from tests.lab.inside.hosts import Host
from tests.lab.inside.probing import probe_one
from tests.lab.inside.transcript import Answer, Transcript

_LOADED = re.compile(r"(\S+): state loaded: generation (\d+), saved by (\S+)")


class Migrations:
    """The guest's travels.

    :param vfs: four VFs on the variant driver with everything, and one on plain vfio-pci
    """

    def __init__(
        self, transcript: Transcript, hosts: tuple[Host, Host], vfs: Sequence[str]
    ) -> None:
        self._transcript = transcript
        self._one, self._two = hosts
        self._vfs = vfs[:4]
        self._plain = vfs[4]

    def by_command(self) -> None:
        """Move the guest with the command."""
        check = self._transcript
        source, destination = self._vfs[:2]
        self._start([source])
        done = self._migrate(self._one, self._two, {source: destination})
        # The destination's log is not here: the command says what to do there.
        check.equal("it is moved, and verifying it is left to the destination", done.status, 3)
        check.equal("the guest runs on compute2", self._two.state(guest.NAME), "running (migrated)")
        check.equal("the guest is gone from compute1", self._one.state(guest.NAME), "")
        check.equal("it has the other VF", self._two.devices(guest.NAME), [destination])
        check.equal(
            "and its configuration, too",
            self._two.devices(guest.NAME, "--inactive"),
            [destination],
        )
        self._check_loaded({destination: source})
        verified = self._two.type(f"vfio-lm-host verify {guest.NAME}")
        check.equal("it is verified on the destination", verified.status, 0)

    def probe_in_use(self) -> None:
        """Probe the VF that the guest has."""
        check = self._transcript
        address = self._vfs[1]
        process = self._two.ask("cat", f"/run/libvirt/qemu/{guest.NAME}.pid")
        devices.kernel_log()
        self._two.type(f"vfio-lm-host probe {address}")
        self._two.type(f"vfio-lm-host probe --output /tmp/used.json {address}")
        facts = probe_one("/tmp/used.json")
        check.equal(
            "the probe names the guest", facts["user"], {"name": guest.NAME, "uuid": guest.UUID}
        )
        check.equal("debugfs shows the state of the VF", facts["migration_state"], "RUNNING")
        if facts["migration"] is None:
            why = facts["unknown"].get("migration")
            check.check("that its flags are unknown has a reason", why is not None)
            check.not_run("the flags of a VF in use", why)
        else:
            check.check("debugfs shows the flags of the VF", facts["migration"]["stop_copy"])
        self._probe_used_blindly(address)
        told = [line for line in devices.kernel_log().splitlines() if address in line]
        check.equal("the kernel did nothing to the VF", told, [])
        check.equal(
            "the guest's QEMU is the same",
            self._two.ask("cat", f"/run/libvirt/qemu/{guest.NAME}.pid"),
            process,
        )
        check.equal("the guest goes on", self._two.state(guest.NAME), "running (migrated)")

    def _probe_used_blindly(self, address: str) -> None:
        """Probe from compute1, whose libvirt knows nothing of the guest, and without debugfs."""
        check = self._transcript
        self._one.type(
            "unshare --mount sh -c 'umount /sys/kernel/debug && "
            f"vfio-lm-host probe --output /tmp/used.json {address}'"
        )
        facts = probe_one("/tmp/used.json")
        check.check(
            "where libvirt does not know the guest, its process is named",
            facts["user"] is not None and "qemu" in facts["user"]["name"],
            facts["user"],
        )
        check.check(
            "without debugfs the state and the flags are unknown, and why is said",
            {"migration", "migration_state"} <= set(facts["unknown"]),
            facts["unknown"],
        )

    def refused_by_guard(self) -> None:
        """Have the guard on compute1 refuse a VF on plain vfio-pci, and one that is absent."""
        check = self._transcript
        for destination, reason in (
            (self._plain, "is bound to vfio-pci, which cannot migrate a device"),
            ("0000:01:1f.6", "does not exist here"),
        ):
            self._spool(self._one, {self._vfs[1]: destination})
            done = self._two.type(self._virsh_migrate(self._one))
            check.check("libvirt refuses", done.status != 0)
            check.check("the guard's reason is in its error", reason in done.text)
            check.equal("the guest goes on", self._two.state(guest.NAME), "running (migrated)")
            check.equal("the destination has nothing of it", self._one.state(guest.NAME), "")

    def by_hook(self) -> None:
        """Move the guest back with libvirt's own command and a map for the hook."""
        check = self._transcript
        source, destination = self._vfs[1:3]
        devices.kernel_log()
        self._spool(self._one, {source: destination})
        done = self._two.type(self._virsh_migrate(self._one))
        check.equal("libvirt is content", done.status, 0)
        check.equal("the guest runs on compute1", self._one.state(guest.NAME), "running (migrated)")
        check.equal("it has the VF of the map", self._one.devices(guest.NAME), [destination])
        self._check_loaded({destination: source})
        verified = self._one.type(f"vfio-lm-host verify {guest.NAME}")
        check.equal("it is verified", verified.status, 0)
        self._one.type(f"vfio-lm-host spool clear {guest.UUID}")
        self._destroy(self._one)

    def two_devices(self) -> None:
        """Move a guest with two VFs crosswise."""
        check = self._transcript
        sources, destinations = self._vfs[:2], [self._vfs[3], self._vfs[2]]
        self._start(sources)
        moved = dict(zip(sources, destinations, strict=True))
        done = self._migrate(self._one, self._two, moved)
        check.equal("it is moved", done.status, 3)
        check.equal("both VFs are right", self._two.devices(guest.NAME), destinations)
        self._check_loaded({new: old for old, new in moved.items()})
        verified = self._two.type(f"vfio-lm-host verify {guest.NAME}")
        check.equal("it is verified", verified.status, 0)
        self._destroy(self._two)

    def refused_state(self) -> None:
        """Have the driver on the destination refuse the state: libvirt does not notice."""
        check = self._transcript
        source, destination = self._vfs[:2]
        self._start([source])
        devices.set_parameter("fail_resume", True)
        try:
            done = self._migrate(self._one, self._two, {source: destination})
        finally:
            devices.set_parameter("fail_resume", False)
        check.check("libvirt calls it a success", "was migrated to" in done.text)
        check.equal("the guest runs on compute2", self._two.state(guest.NAME), "running (migrated)")
        self._check_loaded({})
        verified = self._two.type(f"vfio-lm-host verify {guest.NAME}")
        check.equal("the verification finds it broken", verified.status, 2)
        check.check("and quotes QEMU", "Failed setting device state" in verified.text)
        self._destroy(self._two)

    def refused_by_command(self) -> None:
        """Ask the command for a VF on plain vfio-pci."""
        check = self._transcript
        source = self._vfs[0]
        self._start([source])
        done = self._migrate(self._one, self._two, {source: self._plain})
        check.equal("the command refuses", done.status, 1)
        check.check(
            "and says which driver is missing", f"bind it to {devices.VARIANT}" in done.text
        )
        check.equal("the guest goes on", self._one.state(guest.NAME), "running (booted)")
        self._destroy(self._one)

    def _start(self, addresses: Sequence[str]) -> None:
        self._one.write(f"/etc/libvirt/{guest.NAME}.xml", guest.domain_xml(addresses))
        self._one.type(f"virsh --quiet define /etc/libvirt/{guest.NAME}.xml")
        started = self._one.type(f"virsh --quiet start {guest.NAME}")
        devices.kernel_log()
        if started.status:
            raise RuntimeError("the guest does not start")

    def _destroy(self, host: Host) -> None:
        host.ask("virsh", "destroy", guest.NAME)
        host.ask("virsh", "undefine", guest.NAME)

    def _migrate(self, source: Host, destination: Host, moved: Mapping[str, str]) -> Answer:
        maps = " ".join(f"--map {old}={new}" for old, new in moved.items())
        return source.type(f"vfio-lm-host migrate {guest.NAME} {destination.uri} {maps}")

    def _virsh_migrate(self, destination: Host) -> str:
        return f"virsh migrate --live --p2p --undefinesource {guest.NAME} {destination.uri}"

    def _spool(self, host: Host, moved: Mapping[str, str]) -> None:
        maps = " ".join(f"--map {old}={new}" for old, new in moved.items())
        spooled = host.type(f"vfio-lm-host spool set {guest.UUID} {maps}")
        self._transcript.equal("the map is left for the guard", spooled.status, 0)

    def _check_loaded(self, wanted: Mapping[str, str]) -> None:
        """Check which VF loaded a state, and which one that had been of."""
        found = {new: old for new, _, old in _LOADED.findall(devices.kernel_log())}
        what = "each VF took the state of its source" if wanted else "no VF took a state"
        self._transcript.equal(f"{what}, says the driver", found, dict(wanted))
