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

"""Replaces the PCI addresses of a guest's devices all at once; nova does it one after the other.

Nova goes through the map of addresses pair by pair, and changes the domain XML in place, so that a
device which just got the address of another is taken for that one. Where the destination's
addresses overlap with the source's, the guest gets its devices exchanged, or one of them twice. It
is the source's nova-compute that writes the XML, so that is where the correction has to run.

Nova 31.0.0 to 34.0.0 have the same function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vfio_lm.inside_nova.corrections.correction import Correction

_PARAMETERS = ["xml_doc", "pci_dev_map_src_dst"]
_FIELDS = ("domain", "bus", "slot", "function")

_A, _B, _C = "0000:81:00.1", "0000:81:00.2", "0000:81:00.3"
_TRIALS: Sequence[tuple[Mapping[str, str], Sequence[str]]] = (
    ({_A: _B, _B: _A}, (_B, _A)),
    ({_A: _B, _B: _C}, (_B, _C)),
)
"""A swap and a chain: what becomes of a domain with the devices A and B."""


def update_pci_dev_xml(xml_doc: Any, pci_dev_map_src_dst: Mapping[str, str]) -> Any:
    """Give the devices of a domain other addresses, all at once.

    Takes, returns and raises what nova's function of that name does (nova 34.0.0,
    ``nova/virt/libvirt/migration.py``): a device that is not in the map stays.

    :param xml_doc: the domain as an lxml element; it is changed
    :param pci_dev_map_src_dst: the address on the destination for each on the source
    :raises nova.exception.NovaException: if a device in the map is not in the XML
    """
    tags: dict[tuple[str | None, ...], Any] = {}
    for hostdev in xml_doc.findall("./devices/hostdev"):
        tag = hostdev.find("./source/address")
        if hostdev.get("type") == "pci" and tag is not None:
            tags.setdefault(tuple(tag.get(field) for field in _FIELDS), tag)
    changes = []
    for source, destination in pci_dev_map_src_dst.items():
        tag = tags.get(_as_written(source))
        if tag is None:
            raise _not_found(xml_doc, source)
        changes.append((tag, _as_written(destination)))
    for tag, values in changes:
        for field, value in zip(_FIELDS, values):
            tag.set(field, value)
    return xml_doc


def _as_written(address: str) -> tuple[str, ...]:
    """Return the fields of an address as nova and libvirt write them in XML."""
    from nova.pci import utils

    return tuple(f"0x{field}" for field in utils.get_pci_address_fields(address))


def _not_found(xml_doc: Any, address: str) -> Exception:
    from lxml import etree
    from nova import exception

    text = etree.tostring(xml_doc, encoding="unicode", pretty_print=True).strip()
    error: Exception = exception.NovaException(
        "Unable to find the hostdev to replace for this source PCI address: "
        f"{address} in the xml: {text}"
    )
    return error


def _is_right(function: Any) -> bool:
    import inspect

    if list(inspect.signature(function).parameters) != _PARAMETERS:
        raise TypeError(f"{function} has other parameters")
    results = [_tried(function, trial) for trial, _ in _TRIALS]
    return results == [tuple(map(_as_written, right)) for _, right in _TRIALS]


def _tried(function: Any, trial: Mapping[str, str]) -> tuple[tuple[str | None, ...], ...]:
    """Return the addresses that a domain with the devices A and B has afterwards."""
    from lxml import etree

    domain = etree.Element("domain")
    devices = etree.SubElement(domain, "devices")
    for address in (_A, _B):
        hostdev = etree.SubElement(devices, "hostdev", mode="subsystem", type="pci")
        values = dict(zip(_FIELDS, _as_written(address)))
        etree.SubElement(etree.SubElement(hostdev, "source"), "address", values)
    changed = function(domain, trial)
    found = changed.findall("./devices/hostdev/source/address")
    return tuple(tuple(tag.get(field) for field in _FIELDS) for tag in found)


CORRECTION = Correction(
    name="pci-addresses",
    fault="a guest gets its devices exchanged, or one of them twice, where addresses of the "
    "destination overlap with those of the source",
    module="nova.virt.libvirt.migration",
    function="_update_pci_dev_xml",
    faulty=None,
    is_right=_is_right,
    corrected=lambda function: update_pci_dev_xml,
)
