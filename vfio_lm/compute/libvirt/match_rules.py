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

"""Whether one device of the destination can take the place of one of the source; no choice here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from vfio_lm.pci.host_facts import DeviceFacts
from vfio_lm.pci.migratability import MigrationFlags, obstacles


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why a device of the destination does not fit."""

    reason: str
    is_unknown: bool = False
    """Whether the facts merely lack what decides."""


def refusal(
    source: DeviceFacts, destination: DeviceFacts, *, ignores_firmware: bool = False
) -> Refusal | None:
    """Return the first reason against a pair, certain ones first; None: it fits.

    :param ignores_firmware: whether another firmware is taken
    """
    rules = [rule for rule in _RULES if not (ignores_firmware and rule is _firmware)]
    found = [reason for rule in rules for reason in rule(source, destination)]
    return min(found, key=lambda each: each.is_unknown, default=None)


def _ids(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    ids = (destination.vendor_id, destination.product_id)
    if ids != (source.vendor_id, source.product_id):
        yield Refusal(
            f"is {':'.join(ids)}, and the source's is {source.vendor_id}:{source.product_id}"
        )


def _kind(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    if source.kind is not destination.kind:
        yield Refusal(f"is of kind {destination.kind.value}, and the source's {source.kind.value}")


def _driver(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    for device, where in ((source, "source"), (destination, "destination")):
        if why := device.unknown.get("driver"):
            yield Refusal(f"the {where}'s driver is unknown: {why}", is_unknown=True)
            return
    if source.driver != destination.driver:
        bound = f"to {destination.driver}" if destination.driver else "to no driver"
        wanted = source.driver or "no driver"
        yield Refusal(f"is bound {bound}, and the source's to {wanted}")


def _vgpu_type(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    for device, where in ((source, "source"), (destination, "destination")):
        if why := device.unknown.get("vgpu_type"):
            yield Refusal(f"the {where}'s vGPU type is unknown: {why}", is_unknown=True)
            return
    if source.vgpu_type != destination.vgpu_type:
        yield Refusal(
            f"has vGPU type {destination.vgpu_type or 'none'}, and the source's "
            f"{source.vgpu_type or 'none'}"
        )


def _migratability(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    """Ask whether either device can be migrated at all; libvirt binds neither of them here."""
    for obstacle in obstacles(destination, is_managed=False):
        yield Refusal(str(obstacle))
    for obstacle in obstacles(source, is_managed=False, is_source=True):
        yield Refusal(f"would fit, but the source's device {obstacle}")


def _flags(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    """Ask for every state through which the driver on the source may go."""
    has = destination.migration
    if has is None:
        why = destination.unknown.get("migration", "the facts do not tell")
        yield Refusal(f"its migration flags are unknown: {why}", is_unknown=True)
        return
    wanted = source.migration
    if wanted is not None and (lacking := _lacking(has, wanted)):
        yield Refusal(f"lacks {lacking}, which the source's has")
    elif wanted is None and (lacking := _lacking(has, MigrationFlags(True, True, True))):
        why = source.unknown.get("migration", "the facts do not tell")
        yield Refusal(f"lacks {lacking}, which the source's may have: {why}", is_unknown=True)


def _lacking(has: MigrationFlags, wanted: MigrationFlags) -> str:
    pairs = (("P2P", has.p2p, wanted.p2p), ("PRE_COPY", has.pre_copy, wanted.pre_copy))
    return " and ".join(name for name, there, needed in pairs if needed and not there)


def _firmware(source: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    versions = (source.firmware, destination.firmware)
    if None not in versions and source.firmware != destination.firmware:
        yield Refusal(
            f"has firmware {destination.firmware}, and the source's {source.firmware} "
            f"(--ignore-firmware takes it)"
        )


def _use(_: DeviceFacts, destination: DeviceFacts) -> Iterator[Refusal]:
    if destination.user is not None:
        yield Refusal(f"is in use by {destination.user.name}")
    elif why := destination.unknown.get("user"):
        yield Refusal(f"it is unknown who uses it: {why}", is_unknown=True)


_Rule = Callable[[DeviceFacts, DeviceFacts], Iterator[Refusal]]

_RULES: tuple[_Rule, ...] = (
    _ids,
    _kind,
    _driver,
    _vgpu_type,
    _migratability,
    _flags,
    _firmware,
    _use,
)
"""In the order in which a reason says most."""
