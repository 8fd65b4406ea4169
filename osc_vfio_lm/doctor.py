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

"""``openstack vfio doctor``: a first look at a cloud; what is wrong is judged elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from osc_vfio_lm import command, inputs, screen
from vfio_lm.text import ranged

if TYPE_CHECKING:
    from vfio_lm.doctor import CloudHealth, HostHealth

_COLUMNS = (
    "Host",
    "Spec",
    "Trait",
    "Alias",
    "Driver",
    "Guard",
    "Correction",
    "First to Mend",
    "Remedy",
)

_NOT_IN_TABLE = ("First to Mend", "Remedy")
"""Sentences stand below a table, not in it."""

_SOMETHING_TO_MEND = 2
_UNKNOWN = 3


class Doctor(command.Lister):
    _description = """\
Check a cloud for what live migration of VFIO devices needs

Takes a first look at all hosts, and says for each what is in order and what to mend first. Nothing
is changed. The columns are

* Spec: [pci]device_spec of its nova.conf declares devices live migratable

* Trait: placement has the trait HW_PCI_LIVE_MIGRATABLE of its devices

* Alias: an alias with live_migratable=yes asks for devices that it has

* Driver: its devices have a driver that can migrate them, as far as it shows

* Guard: the guard of 'vfio-lm-host hook' works on it

* Correction: nova-compute runs as 'vfio-lm-nova-compute'

Guard and Correction are recommended; a migration works without them. A host without devices has '-'
everywhere. Spec is read from --nova-conf HOST=FILE or --nova-conf-dir, Alias from the nova.conf of
nova-api, Driver, Guard and Correction from --host-facts: where the source is missing, the answer is
unknown. Whether a server can live migrate is for 'openstack vfio migration check' to say."""

    exit_statuses = (
        (0, "each host with devices has what it needs"),
        (_SOMETHING_TO_MEND, "a host lacks something that it needs"),
        (_UNKNOWN, "unknown: a source of knowledge is missing, or no host has devices"),
    )

    _health: CloudHealth

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        inputs.add_preflight_inputs(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        from vfio_lm.doctor import Condition, examine_cloud

        known = inputs.read_preflight_inputs(parsed_args)
        self._health = examine_cloud(self.app.client_manager.sdk_connection, known)
        statuses = {Condition.BAD: _SOMETHING_TO_MEND, Condition.UNKNOWN: _UNKNOWN}
        self.status = statuses.get(self._health.condition, 0)
        if parsed_args.formatter == "table" and not parsed_args.columns:
            return _COLUMNS, [_row(group) for group in _alike(self._health.hosts)]
        return _COLUMNS, [_row([host]) for host in self._health.hosts]

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if parsed_args.formatter != "table" or parsed_args.columns:
            self.say(*_sources(self._health))
            return super().produce_output(parsed_args, column_names, data)
        parsed_args.columns = [name for name in column_names if name not in _NOT_IN_TABLE]
        self.write([*_sources(self._health), ""])
        super().produce_output(parsed_args, column_names, data)
        self.write(_remedies(self._health))
        return 0


def _sources(health: CloudHealth) -> Iterator[str]:
    release = "2026.2 or later" if health.is_nova_2026_2 else "before 2026.2, or mixed"
    major, minor = health.microversion
    yield f"Nova: {release} (Compute API {major}.{minor})"
    yield "Sources:"
    for source in health.sources:
        state = "given" if source.is_there else "missing"
        yield from screen.prose(f"{source.name}: {state} ({source.detail})", 2)


def _alike(hosts: Iterable[HostHealth]) -> list[list[HostHealth]]:
    """Return hosts in which everything is the same together, in the order of the first."""
    groups: dict[tuple[Any, ...], list[HostHealth]] = {}
    for host in hosts:
        key = (*host.needed, host.guard, host.correction)
        groups.setdefault(key, []).append(host)
    return list(groups.values())


def _row(alike: Sequence[HostHealth]) -> tuple[Any, ...]:
    first = alike[0]
    return (
        ranged(host.host for host in alike),
        *(each.value for each in (*first.needed, first.guard, first.correction)),
        first.first or None,
        first.remedy or None,
    )


def _remedies(health: CloudHealth) -> Iterator[str]:
    """Yield the first thing to mend of each host, the same thing only once."""
    by_complaint: dict[str, list[HostHealth]] = {}
    for host in health.hosts:
        if host.first:
            by_complaint.setdefault(host.first, []).append(host)
    if by_complaint:
        yield ""
        yield "What to mend first:"
    for complaint, hosts in by_complaint.items():
        yield from screen.prose(f"{ranged(host.host for host in hosts)}: {complaint}", 2)
        yield from screen.steps(hosts[0].remedy, 4)
        others = [host.host for host in hosts[1:]]
        if others and hosts[0].host in hosts[0].remedy:
            yield from screen.prose(f"and likewise for {ranged(others)}", 4)
