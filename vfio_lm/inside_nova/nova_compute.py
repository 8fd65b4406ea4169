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

"""nova-compute with one function corrected: the one that gives a guest other PCI devices.

Nova replaces the addresses of a server's devices in its domain XML pair by pair, in place, so
that a device which just got the address of another is taken for that one. Where the destination's
addresses overlap with the source's, the guest gets its devices exchanged, or one of them twice
(measured on nova 34.0.0; 31.0.0 has the same function). It is the source's nova-compute that
writes the XML, so that is where the correction has to run.

Everything else is the nova-compute that is installed. Nova is imported in functions only, and
nothing that it wants to import first: it chooses its kind of threads when it is imported.
"""

from __future__ import annotations

import enum
import importlib.machinery
import os
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PROGRAM = "nova-compute"

_MODULE = "nova.virt.libvirt.migration"
_FUNCTION = "_update_pci_dev_xml"
_PARAMETERS = ["xml_doc", "pci_dev_map_src_dst"]
_FIELDS = ("domain", "bus", "slot", "function")

_A, _B, _C = "0000:81:00.1", "0000:81:00.2", "0000:81:00.3"
_TRIALS: Sequence[tuple[Mapping[str, str], Sequence[str]]] = (
    ({_A: _B, _B: _A}, (_B, _A)),
    ({_A: _B, _B: _C}, (_B, _C)),
)
"""A swap and a chain: what becomes of a domain with the devices A and B."""

_Function = Callable[[Any, Mapping[str, str]], Any]


class Outcome(enum.Enum):
    """What was found of nova's function, and done about it; the value is for the log."""

    RIGHT = "it keeps the devices of a server apart, and stays as it is"
    CORRECTED = "it exchanges the devices of a server whose addresses overlap, and was corrected"
    UNKNOWN = (
        "it is not the function that this release of vfio-lm knows, and stays as it is: whether "
        "it keeps the devices of a server apart is not known"
    )


def main() -> Any:
    """Start nova-compute with its own arguments and files of options."""
    correct_when_imported()
    # oslo.config looks for nova-compute.conf by this name.
    sys.argv[0] = os.path.join(os.path.dirname(sys.argv[0]), PROGRAM)
    try:
        from nova.cmd import compute
    except ModuleNotFoundError as exc:
        if exc.name not in ("nova", "nova.cmd", "nova.cmd.compute"):
            raise
        return f"vfio-lm-nova-compute: {sys.executable} has no nova: install vfio-lm where nova is"
    return compute.main()


def correct_when_imported() -> None:
    """Look at nova's function, and correct it, as soon as nova imports its module.

    That is when nova loads the libvirt driver: it has read its options and set its logging up, and
    has imported whatever it wants to import first.
    """
    module = sys.modules.get(_MODULE)
    if module is not None:
        correct(module)
    else:
        sys.meta_path.insert(0, _Watch())


def correct(migration: types.ModuleType) -> Outcome:
    """Try nova's function on a swap and a chain, and put another in its place if it is wrong.

    :param migration: nova's module ``nova.virt.libvirt.migration``
    """
    import logging

    outcome = _outcome(getattr(migration, _FUNCTION, None))
    if outcome is Outcome.CORRECTED:
        setattr(migration, _FUNCTION, update_pci_dev_xml)
    level = logging.WARNING if outcome is Outcome.UNKNOWN else logging.INFO
    logging.getLogger(__name__).log(
        level, "vfio-lm has looked at %s.%s: %s.", _MODULE, _FUNCTION, outcome.value
    )
    return outcome


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
        for field, value in zip(_FIELDS, values, strict=True):
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


def _outcome(function: Any) -> Outcome:
    import inspect

    try:
        if list(inspect.signature(function).parameters) != _PARAMETERS:
            return Outcome.UNKNOWN
        results = [_tried(function, trial) for trial, _ in _TRIALS]
        wanted = [tuple(map(_as_written, right)) for _, right in _TRIALS]
    except Exception:  # noqa: BLE001 - whatever a function does that is not known
        return Outcome.UNKNOWN
    return Outcome.RIGHT if results == wanted else Outcome.CORRECTED


def _tried(function: _Function, trial: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return the addresses that a domain with the devices A and B has afterwards."""
    from lxml import etree

    domain = etree.Element("domain")
    devices = etree.SubElement(domain, "devices")
    for address in (_A, _B):
        hostdev = etree.SubElement(devices, "hostdev", mode="subsystem", type="pci")
        values = dict(zip(_FIELDS, _as_written(address), strict=True))
        etree.SubElement(etree.SubElement(hostdev, "source"), "address", values)
    changed = function(domain, trial)
    found = changed.findall("./devices/hostdev/source/address")
    return tuple(tuple(tag.get(field) for field in _FIELDS) for tag in found)


class _Watch:
    """Waits in ``sys.meta_path`` for one module, and looks at it once it is imported."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to import the module; None for all others."""
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_correct(module: types.ModuleType) -> None:
                load(module)
                correct(module)

            spec.loader.exec_module = load_and_correct  # type: ignore[method-assign]
        return spec
