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

"""The NUMA nodes of the host as the running libvirt has them, which is as nova-compute sees them.

The kernel's own files count memory and pages otherwise than libvirt does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from vfio_lm.compute.host.hypervisor import run_virsh
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci.numa_node import NumaNode, PagePool


def host_numa_nodes(
    sysfs: Sysfs, show_capabilities: Callable[[], str] | None = None
) -> tuple[NumaNode, ...]:
    """Ask the running libvirt for its capabilities.

    :param show_capabilities: returns what ``virsh capabilities`` prints
    :raises NotKnownError: if libvirt does not answer, or shows no NUMA node
    """
    if not sysfs.is_live and show_capabilities is None:
        raise NotKnownError("a support bundle does not tell the NUMA nodes that libvirt has")
    text = show_capabilities() if show_capabilities else run_virsh("capabilities")
    try:
        # libvirtd wrote it
        nodes = tuple(_nodes(ElementTree.fromstring(text)))  # noqa: S314
    except (ElementTree.ParseError, ValueError) as exc:
        raise NotKnownError(f"virsh capabilities did not tell the NUMA nodes: {exc}") from None
    if not nodes:
        raise NotKnownError("libvirt shows no NUMA node")
    return nodes


def _nodes(root: ElementTree.Element) -> Iterator[NumaNode]:
    for cell in root.iterfind("./host/topology/cells/cell"):
        yield NumaNode(
            id=int(cell.get("id", "")),
            cpus=tuple(sorted(int(cpu.get("id", "")) for cpu in cell.iterfind("./cpus/cpu"))),
            memory_kib=_kib(cell.find("./memory")),
            pages=tuple(
                PagePool(size_kib=_size(each), total=int(each.text or ""))
                for each in cell.iterfind("./pages")
            ),
        )


def _kib(element: ElementTree.Element | None) -> int:
    if element is None or element.get("unit", "KiB") != "KiB":
        raise ValueError("memory that is not in KiB")
    return int(element.text or "")


def _size(element: ElementTree.Element) -> int:
    if element.get("unit") != "KiB":
        raise ValueError("pages that are not in KiB")
    return int(element.get("size", ""))
