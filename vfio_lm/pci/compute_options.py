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

"""The options of nova-compute that decide what a server gets of NUMA nodes; no files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oslo_config import cfg

_RATIOS = (
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "initial_cpu_allocation_ratio",
    "initial_ram_allocation_ratio",
)

# nova/conf/compute.py and neutron.py (nova 34.0.0), without the defaults.
OPTS: Mapping[str, tuple[cfg.Opt, ...]] = {
    "DEFAULT": (
        cfg.StrOpt("vcpu_pin_set"),
        cfg.MultiStrOpt("reserved_huge_pages"),
        *(cfg.FloatOpt(name) for name in _RATIOS),
    ),
    "compute": (cfg.StrOpt("cpu_dedicated_set"), cfg.StrOpt("cpu_shared_set")),
    "neutron": (cfg.ListOpt("physnets"),),
    "neutron_tunnel": (cfg.ListOpt("numa_nodes"),),
}

#: What puts networks on NUMA nodes, or CPUs into a set by rules of the past.
_NOT_FOLLOWED = {
    "vcpu_pin_set": "vcpu_pin_set",
    "physnets": "[neutron]physnets",
    "numa_nodes": "[neutron_tunnel]numa_nodes",
}

_CPUS = re.compile(r"(?P<without>\^)?(?P<first>\d{1,5})(-(?P<last>\d{1,5}))?", re.ASCII)
_SIZE = re.compile(r"(?P<number>\d{1,9})((?P<unit>[KMG])B)?", re.ASCII)
_UNITS = {None: 1, "K": 1, "M": 1024, "G": 1024 * 1024}


@dataclasses.dataclass(frozen=True)
class ReservedPages:
    """Pages of one size of one NUMA node that no server gets."""

    node: int
    size_kib: int
    count: int


@dataclasses.dataclass(frozen=True)
class ComputeOptions:
    """What a nova.conf says; None where it does not."""

    dedicated_cpus: frozenset[int] | None = None
    """``[compute]cpu_dedicated_set``."""
    shared_cpus: frozenset[int] | None = None
    """``[compute]cpu_shared_set``."""
    reserved_pages: tuple[ReservedPages, ...] = ()
    """``reserved_huge_pages``."""
    lowest_ratio: float = 1.0
    """The lowest of the allocation ratios of CPUs and memory, 1.0 at most."""
    not_followed: tuple[str, ...] = ()
    """Options that are set, and whose meaning for NUMA nodes is not worked out here."""


#: Where no files are given.
NO_COMPUTE_OPTIONS = ComputeOptions()


def compute_options(values: Mapping[str, Any]) -> ComputeOptions:
    """Return the options.

    :param values: by name; None where the files do not say it
    """
    not_followed = [name for key, name in _NOT_FOLLOWED.items() if values[key]]
    sets: dict[str, frozenset[int] | None] = {}
    for key in ("cpu_dedicated_set", "cpu_shared_set"):
        sets[key] = cpu_set(values[key]) if values[key] else None
        if values[key] and not sets[key]:
            not_followed.append(f"[compute]{key}")
    try:
        reserved = tuple(_reserved(values["reserved_huge_pages"] or ()))
    except (ValueError, KeyError):
        reserved = ()
        not_followed.append("reserved_huge_pages")
    ratios = [ratio for name in _RATIOS if (ratio := values[name])]
    return ComputeOptions(
        dedicated_cpus=sets["cpu_dedicated_set"],
        shared_cpus=sets["cpu_shared_set"],
        reserved_pages=reserved,
        lowest_ratio=min(1.0, *ratios) if ratios else 1.0,
        not_followed=tuple(not_followed),
    )


def cpu_set(spec: str) -> frozenset[int]:
    """Return the CPUs of a set as nova writes it, for example ``2-9,^5``; none if it is no such.

    Source: ``parse_cpu_spec`` in ``nova/virt/hardware.py`` (nova 34.0.0).
    """
    wanted: set[int] = set()
    unwanted: set[int] = set()
    for rule in filter(None, map(str.strip, spec.split(","))):
        found = _CPUS.fullmatch(rule)
        if found is None or (found["without"] and found["last"]):
            return frozenset()
        first = int(found["first"])
        (unwanted if found["without"] else wanted).update(
            range(first, int(found["last"] or first) + 1)
        )
    return frozenset(wanted - unwanted)


def page_size_kib(text: str) -> int | None:
    """Return the size of pages as nova writes it: ``2048``, ``2MB``, ``1GB``; None if it is none.

    Source: ``_get_numa_pagesize_constraint`` in ``nova/virt/hardware.py`` (nova 34.0.0).
    """
    found = _SIZE.fullmatch(text)
    return int(found["number"]) * _UNITS[found["unit"]] or None if found else None


def _reserved(values: Iterable[str]) -> Iterator[ReservedPages]:
    """Read ``node:0,size:2048,count:64``.

    :raises ValueError: if a value is another
    :raises KeyError: if a part of one is missing
    """
    for value in values:
        parts = dict(part.strip().split(":", 1) for part in value.split(","))
        size = page_size_kib(parts["size"].strip())
        if size is None:
            raise ValueError(value)
        yield ReservedPages(int(parts["node"]), size, int(parts["count"]))
