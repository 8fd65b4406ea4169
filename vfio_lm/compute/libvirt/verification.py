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

"""Whether a migrated domain came with its devices' state, judged from what was seen after it.

Libvirt's success is no proof: see :mod:`vfio_lm.compute.libvirt.qemu_log`.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.layout.places import places_of
from vfio_lm.compute.libvirt.connection import Connection, Domain, DomainState
from vfio_lm.compute.libvirt.qemu_log import LogFindings, scan
from vfio_lm.pci.address import PciAddress
from vfio_lm.pci.input_file import InputFileError, open_regular

_DEBUG_FOLDER = pathlib.Path("/sys/kernel/debug/vfio")

_LARGEST_LOG_BYTES = 64 * 1024 * 1024

_AFTER_REFUSAL = (
    "its driver was reset and the guest's driver does not know: restart the server, or unbind and "
    "bind its driver in the guest; then compare driver and firmware of both hosts with "
    "'vfio-lm-host probe' before the next migration"
)


class ArrivalVerdict(enum.Enum):
    """What a finding says; the worst of all decides."""

    GOOD = "good"
    UNKNOWN = "unknown"
    BROKEN = "broken"


EXIT_STATUS: Mapping[ArrivalVerdict, int] = {
    ArrivalVerdict.GOOD: 0,
    ArrivalVerdict.BROKEN: 2,
    ArrivalVerdict.UNKNOWN: 3,
}


@dataclasses.dataclass(frozen=True)
class ArrivalFinding:
    """One thing that was looked at."""

    verdict: ArrivalVerdict
    text: str


@dataclasses.dataclass(frozen=True)
class ArrivalEvidence:
    """What was seen of a domain on the host where it is now."""

    domain: Domain
    log: LogFindings | str
    """Or why the log could not be read, and what to do about it."""
    device_states: Mapping[PciAddress, str] = dataclasses.field(default_factory=dict)
    """What debugfs says of each device, as the kernel names it; those without are left out."""
    expected: tuple[PciAddress, ...] | None = None
    """The devices that the domain should have, in the order of its XML; None: unknown."""


def overall(findings: Sequence[ArrivalFinding]) -> ArrivalVerdict:
    """Return the verdict on all findings together."""
    verdicts = {finding.verdict for finding in findings}
    return next(
        (each for each in (ArrivalVerdict.BROKEN, ArrivalVerdict.UNKNOWN) if each in verdicts),
        ArrivalVerdict.GOOD,
    )


def judge(evidence: ArrivalEvidence) -> list[ArrivalFinding]:
    """Say what each piece of evidence means."""
    return [
        _state(evidence.domain),
        *_devices(evidence),
        *_log(evidence.log),
        *_device_states(evidence),
    ]


def gather(
    connection: Connection,
    name: str,
    *,
    expected: tuple[PciAddress, ...] | None = None,
    qemu_log: pathlib.Path | None = None,
    since: datetime.datetime | None = None,
    layout: str | None = None,
) -> ArrivalEvidence:
    """Look at a domain, at QEMU's log and at the devices' state.

    :param qemu_log: where QEMU's log can be read; None for libvirt's own place, if this is the
        host that the connection leads to
    :param layout: of that host, see :mod:`vfio_lm.compute.layout.table`; None: as it shows
    :param since: how far to look back in the log; None: to the last start of QEMU
    :raises LibvirtError: if libvirtd does not answer
    :raises NotFoundError: if there is no such domain
    """
    domain = connection.domain(name)
    return ArrivalEvidence(
        domain=domain,
        log=_read_log(connection, domain.name, qemu_log, since, layout),
        device_states=_read_device_states(domain) if connection.is_local else {},
        expected=expected,
    )


def _state(domain: Domain) -> ArrivalFinding:
    if domain.has_job:
        return ArrivalFinding(
            ArrivalVerdict.UNKNOWN,
            f"domain {domain.name} is still being migrated: verify again when that has ended",
        )
    if domain.state is DomainState.RUNNING:
        return ArrivalFinding(ArrivalVerdict.GOOD, f"domain {domain.name} is running")
    if domain.state is DomainState.PAUSED:
        return ArrivalFinding(
            ArrivalVerdict.UNKNOWN,
            f"domain {domain.name} is {domain.state.value}, and so are its devices: verify again "
            f"after 'virsh resume {domain.name}'",
        )
    return ArrivalFinding(
        ArrivalVerdict.BROKEN,
        f"domain {domain.name} is {domain.state.value}: 'virsh domstate --reason {domain.name}' "
        "and its log tell why",
    )


def _devices(evidence: ArrivalEvidence) -> Iterator[ArrivalFinding]:
    domain = evidence.domain
    live = tuple(source.address for source in domain.live.pci)
    config = tuple(source.address for source in domain.config.pci)
    if not live and evidence.expected is None:
        yield ArrivalFinding(
            ArrivalVerdict.UNKNOWN,
            f"domain {domain.name} has no PCI device of its host: there is nothing to verify",
        )
    elif evidence.expected is not None and live != evidence.expected:
        yield ArrivalFinding(
            ArrivalVerdict.BROKEN,
            f"the running domain has {_listed(live)} and not {_listed(evidence.expected)}: "
            "something on the destination changed the devices; look at its /etc/libvirt/hooks",
        )
    else:
        yield ArrivalFinding(ArrivalVerdict.GOOD, f"the running domain has {_listed(live)}")
    if domain.is_persistent and config != live:
        yield ArrivalFinding(
            ArrivalVerdict.BROKEN,
            f"the domain's configuration has {_listed(config)}, and would take that at its next "
            f"start: correct it with 'virsh edit {domain.name}'",
        )
    elif domain.is_persistent:
        yield ArrivalFinding(ArrivalVerdict.GOOD, "the domain's configuration has the same")


def _log(log: LogFindings | str) -> Iterator[ArrivalFinding]:
    if isinstance(log, str):
        yield ArrivalFinding(ArrivalVerdict.UNKNOWN, log)
    elif log.refused:
        for line in log.refused:
            yield ArrivalFinding(
                ArrivalVerdict.BROKEN, f"a device did not take its state: {line}: {_AFTER_REFUSAL}"
            )
    elif log.started_at is None:
        yield ArrivalFinding(
            ArrivalVerdict.UNKNOWN,
            "QEMU's log does not reach back to its start: name the older file with --qemu-log, or "
            "an earlier time with --since",
        )
    elif not log.is_incoming:
        yield ArrivalFinding(
            ArrivalVerdict.UNKNOWN,
            f"QEMU was started at {log.started_at.isoformat(timespec='seconds')}, and not for a "
            "migration: there is nothing to verify",
        )
    else:
        yield ArrivalFinding(
            ArrivalVerdict.GOOD, "QEMU's log has no device that refused its state since it started"
        )


def _device_states(evidence: ArrivalEvidence) -> Iterator[ArrivalFinding]:
    # A kernel before 6.8 does not tell; QEMU's log is what decides.
    for address, state in evidence.device_states.items():
        is_expected = state == "RUNNING" or evidence.domain.state is not DomainState.RUNNING
        yield ArrivalFinding(
            ArrivalVerdict.GOOD if is_expected else ArrivalVerdict.BROKEN,
            f"the kernel has device {address} in state {state}"
            + ("" if is_expected else f": {_AFTER_REFUSAL}"),
        )


def _read_log(
    connection: Connection,
    name: str,
    path: pathlib.Path | None,
    since: datetime.datetime | None,
    layout: str | None,
) -> LogFindings | str:
    there = f"on the host where it is now, run 'vfio-lm-host verify {name}'"
    if path is None and not connection.is_local:
        return (
            f"whether the devices took their state: QEMU's log of {name} is at {connection.uri} "
            f"and only there; {there}"
        )
    try:
        path = path or pathlib.Path(places_of(layout=layout).log_of(name))
        with open_regular(path) as log:
            # The end is what counts, and no line of interest is long.
            log.seek(max(0, os.fstat(log.fileno()).st_size - _LARGEST_LOG_BYTES))
            return scan(log.read(_LARGEST_LOG_BYTES).decode(errors="replace"), since)
    except NotKnownError as exc:
        reason = str(exc)
    except (OSError, InputFileError) as exc:
        reason = f"{path}: {exc.strerror if isinstance(exc, OSError) else exc.reason}"
    return (
        f"whether the devices took their state: QEMU's log cannot be read: {reason}: {there} as "
        f"root, or name the file with --qemu-log"
    )


def _read_device_states(domain: Domain) -> dict[PciAddress, str]:
    states = {}
    for source in domain.live.pci:
        try:
            text = (_DEBUG_FOLDER / f"{source.address}/migration/state").read_text()
        except OSError:
            continue
        states[source.address] = text.strip()
    return states


def _listed(addresses: tuple[PciAddress, ...]) -> str:
    return ", ".join(map(str, addresses)) or "none"
