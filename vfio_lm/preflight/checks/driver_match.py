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

"""Checks of the devices at both ends together: the same driver, and a state that moves in time."""

from __future__ import annotations

from vfio_lm.pci.driver_traits import driver_traits
from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.preflight.check import (
    Outcome,
    Refuser,
    Scope,
    check,
    destination_check,
    failed,
    passed,
    unknown,
    warned,
)
from vfio_lm.preflight.checks.drivers import device_count, fitting_devices, source_devices
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.wording.remedy import bind, in_nova_conf, probe, steps, tell_of_hosts
from vfio_lm.preflight.wording.shared_answers import no_alias_devices

_SLOW_LINK = 1_000_000_000 // 8
_FAST_LINK = 100_000_000_000 // 8
"""Bytes a second of links that every cloud has, and that hardly one has."""


@destination_check(
    "destination-same-driver",
    "Have the devices there the driver of the server's own?",
    refused_by=Refuser.KERNEL,
    is_decisive=False,
)
def destination_same_driver(facts: Facts, destination: Destination) -> Outcome:
    """Compare the variant drivers, of the devices themselves or else of the hosts.

    The state of a device is understood by the driver that saved it, for a vGPU of the same type.
    A destination that does not understand it resets the device when the server is there already.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    here = source_devices(facts)
    there = fitting_devices(facts, destination) if here else ()
    if not (here and there and all(d.has_variant_driver for d in here)):
        return _by_traits(facts, destination)
    wanted = {_kind(device) for device in here}
    count = device_count(facts)
    known = [d for d in there if d.has_variant_driver]
    other = [d for d in known if _kind(d) not in wanted]
    evidence: dict[str, object] = {
        "source": sorted(map(str, wanted)),
        "destination": {str(d.address): str(_kind(d)) for d in there},
    }
    if len(there) - len(other) < count:
        return failed(
            f"the server's devices have {_names(here)}, those there {_names(other)}",
            remedy=_alike(here, other, destination),
            **evidence,
        )
    if other:
        return warned(
            f"nova may choose a device with another driver: {_names(other)} instead of "
            f"{_names(here)}",
            remedy=_alike(here, other, destination),
            **evidence,
        )
    if len(known) < len(there):
        return unknown(
            "some of the free devices there have no variant driver before a server gets them",
            settled_by=_alike(here, [d for d in there if d not in known], destination),
            **evidence,
        )
    return _by_firmware(here, there, destination, evidence)


def _alike(
    here: tuple[DeviceFacts, ...], others: list[DeviceFacts], destination: Destination
) -> str:
    """Say how to give devices the driver of the server's own."""
    drivers = {device.driver for device in here if device.driver}
    addresses = [str(device.address) for device in others]
    if len(drivers) == 1 and not any(device.vgpu_type for device in (*here, *others)):
        return steps(bind(destination.host, addresses, *drivers), probe(destination.host))
    return steps(
        f"give {', '.join(addresses)} on {destination.host} the driver and the vGPU type of the "
        f"server's devices, or choose another destination",
        probe(destination.host),
    )


def _by_firmware(
    here: tuple[DeviceFacts, ...],
    there: tuple[DeviceFacts, ...],
    destination: Destination,
    evidence: dict[str, object],
) -> Outcome:
    old = {device.firmware for device in here} - {None}
    new = {device.firmware for device in there} - {None}
    if old and new - old:
        return warned(
            f"the same driver, but firmware {', '.join(sorted(map(str, new - old)))} instead of "
            f"{', '.join(sorted(map(str, old)))}",
            remedy=steps(
                f"bring the devices of {destination.host} to the firmware of the source",
                probe(destination.host),
            ),
            firmware=sorted(map(str, new)),
            **evidence,
        )
    return passed("the devices there have the driver of the server's own", **evidence)


def _by_traits(facts: Facts, destination: Destination) -> Outcome:
    root = destination.tree.root if destination.tree else None
    # The same hosts are looked at for each server, and a host has about a hundred traits.
    here = facts.memo.of(driver_traits, facts.source.traits)
    there = facts.memo.of(driver_traits, root.traits) if root else frozenset()
    evidence = {"source": sorted(here), "destination": sorted(there)}
    if here and there and not here & there:
        return failed(
            f"the source has {', '.join(sorted(here))}, the destination {', '.join(sorted(there))}",
            remedy=steps(
                f"install the driver of the source on {destination.host}, or choose another "
                f"destination",
                probe(destination.host),
            ),
            **evidence,
        )
    if len(here) == 1 and here == there:
        return passed(f"both hosts have {min(here)} alone", **evidence)
    return unknown(
        "which drivers the devices have is not known",
        settled_by=tell_of_hosts((facts.server.host, destination.host), ()),
        **evidence,
    )


def _kind(device: DeviceFacts) -> tuple[str | None, str | None]:
    return device.driver, device.vgpu_type


def _names(devices: list[DeviceFacts] | tuple[DeviceFacts, ...]) -> str:
    return ", ".join(
        sorted({" ".join(filter(None, _kind(device))) or "no driver" for device in devices})
    )


@check(
    "downtime-fits",
    Scope.SOURCE,
    "Can the state of the devices be moved within the downtime that nova allows?",
    refused_by=Refuser.QEMU,
    is_decisive=False,
)
def downtime_fits(facts: Facts) -> Outcome:
    """Divide the state of all devices by ``[libvirt]live_migration_downtime``.

    While it is moved the guest stands still, and QEMU does not stop it for longer than allowed: a
    migration that cannot keep within it never ends by itself. The speed of the link is unknown;
    what any link does passes, and what hardly one does is worth a warning.
    """
    if (answer := no_alias_devices(facts)) is not None:
        return answer
    host = facts.server.host
    sizes = [device.state_size_bytes for device in source_devices(facts)]
    downtime_ms = facts.inputs.downtime_ms(host)
    if len(sizes) < device_count(facts) or not downtime_ms:
        return unknown(
            "the size of the devices' state, or the downtime that nova allows, is not known",
            settled_by=probe(host),
        )
    total = sum(size for size in sizes if size is not None)
    rate = total * 1000 // downtime_ms
    evidence = {"state_bytes": total, "downtime_ms": downtime_ms, "bytes_per_second": rate}
    sentence = f"{total} bytes within {downtime_ms} ms take {rate * 8 // 10**6} Mbit/s"
    longer = in_nova_conf(
        host,
        "libvirt",
        f"live_migration_downtime = {total * 1000 // _SLOW_LINK + 1}",
        why="to allow what suffices for any link of 1 Gbit/s, ",
    )
    if facts.source.knowledge.conf is None:
        longer = steps(longer, probe(host))
    if rate > _FAST_LINK:
        return warned(sentence, remedy=longer, **evidence)
    if None in sizes or rate > _SLOW_LINK:
        return unknown(
            f"{sentence}, and the speed of the link is not known", settled_by=longer, **evidence
        )
    return passed(sentence, **evidence)
