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

"""What a server needs of one NUMA node, as nova works it out of flavor and image; no I/O.

Source: ``numa_get_constraints`` in ``nova/virt/hardware.py`` (nova 34.0.0), which is asked by the
scheduler and again by the claim of the destination.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping

from vfio_lm.cloud.model import Flavor, ServerTopology
from vfio_lm.pci.compute_options import page_size_kib
from vfio_lm.preflight.rules.numa import is_of_numa, topology_keys


class PageKind(enum.Enum):
    """Pages that a server asks for by no size."""

    UNSPECIFIED = ""
    """The smallest, whatever they are."""
    SMALL = "small"
    LARGE = "large"
    ANY = "any"


@dataclasses.dataclass(frozen=True)
class NodeRequest:
    """A part of one NUMA node."""

    vcpus: int
    memory_mib: int
    is_pinned: bool = False
    """Whether each virtual CPU has a CPU of the host for itself."""
    pages: PageKind | int = PageKind.UNSPECIFIED
    """Or their size in KiB."""
    device_policy: str | None = None
    """How near devices have to be, whatever their aliases say; None: as they say."""


# What a server may ask for, and is followed here, with the values that are; None: see below.
_FOLLOWED: Mapping[str, tuple[str, ...] | None] = {
    "hw:cpu_policy": ("dedicated", "shared"),
    "hw:cpu_thread_policy": ("prefer",),
    "hw:mem_page_size": None,
    "hw:numa_nodes": ("1",),
    "hw:pci_numa_affinity_policy": ("required", "legacy", "preferred"),
}


def node_request(
    flavor: Flavor, image_properties: Mapping[str, str] | None
) -> NodeRequest | str | None:
    """Return what a server needs; None if it has no topology, or why that is not known.

    :param image_properties: None where they are not available
    """
    if image_properties is None:
        return "the properties of the image are not available"
    if not topology_keys({**flavor.extra_specs, **image_properties}):
        return None
    for reason in _not_followed(flavor.extra_specs, image_properties):
        return reason

    def asked(name: str) -> str | None:
        return flavor.extra_specs.get(f"hw:{name}") or image_properties.get(f"hw_{name}")

    pages = _pages(flavor.extra_specs.get("hw:mem_page_size"), image_properties)
    if isinstance(pages, str):
        return pages
    return NodeRequest(
        vcpus=flavor.vcpus,
        memory_mib=flavor.ram_mib,
        is_pinned=asked("cpu_policy") == "dedicated",
        pages=pages,
        device_policy=asked("pci_numa_affinity_policy"),
    )


def contradiction(request: NodeRequest, topology: ServerTopology | None) -> str | None:
    """Say how the server on its host differs from what flavor and image ask for; None: it does not.

    :param topology: what nova shows; None where it was not asked, or the server is gone
    """
    if topology is None:
        return "nova does not show its NUMA topology"
    if len(topology.nodes) != 1:
        return f"it has {len(topology.nodes)} NUMA nodes where it is"
    (node,) = topology.nodes
    shown = (len(node.cpus), node.memory_mib, bool(node.pinning))
    if shown != (request.vcpus, request.memory_mib, request.is_pinned) or (
        request.is_pinned and node.pinning.keys() != node.cpus
    ):
        return "its NUMA topology differs from what flavor and image ask for"
    size = topology.page_size_kib
    if (size is None) != (request.pages is PageKind.UNSPECIFIED) or (
        isinstance(request.pages, int) and size != request.pages
    ):
        return "it has pages of another size than flavor and image ask for"
    return None


def _not_followed(specs: Mapping[str, str], properties: Mapping[str, str]) -> Iterator[str]:
    """Yield what flavor or image ask for and is not worked out here."""
    in_both = {name.replace(":", "_", 1): value for name, value in specs.items()}
    for name, value in {**properties, **specs}.items():
        key = name if ":" in name else name.replace("_", ":", 1)
        if "HW_CPU_HYPERTHREADING" in name or name in ("resources:VCPU", "resources:PCPU"):
            yield f"{name} is not worked out here"
        elif not is_of_numa(name):
            continue
        elif key not in _FOLLOWED:
            yield f"{name} is not worked out here"
        elif (values := _FOLLOWED[key]) is not None and value not in values:
            yield f"{name}={value} is not worked out here"
        elif name in properties and in_both.get(name, value) != value:
            yield f"flavor and image differ in {name}"


def _pages(of_flavor: str | None, properties: Mapping[str, str]) -> PageKind | int | str:
    """Return which pages are asked for, or why that is not known."""
    of_image = properties.get("hw_mem_page_size")
    if of_flavor is None:
        return (
            f"hw_mem_page_size={of_image} of the image alone" if of_image else PageKind.UNSPECIFIED
        )
    for kind in (PageKind.SMALL, PageKind.LARGE, PageKind.ANY):
        if of_flavor == kind.value:
            return kind
    size = page_size_kib(of_flavor)
    return size if size is not None else f"hw:mem_page_size={of_flavor} is not worked out here"
