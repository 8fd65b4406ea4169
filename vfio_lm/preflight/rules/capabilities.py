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

"""Whether a host has what flavor and image ask of its hypervisor and processor; no I/O.

ComputeCapabilitiesFilter and ImagePropertiesFilter read what nova-compute reports of itself. APIs
show a part of it, and traits say some of the rest.
"""

from __future__ import annotations

from oslo_utils import versionutils

from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.rules import image_properties as image_keys
from vfio_lm.preflight.rules.extra_spec_ops import satisfies_extra_spec
from vfio_lm.preflight.rules.extra_specs import ADDRESS_BITS, CAPABILITIES_SCOPE, may_be_of_host
from vfio_lm.preflight.rules.image_properties import as_nova_names
from vfio_lm.preflight.rules.scheduler import HostRefusal

# Architecture.canonicalize in nova/objects/fields.py (nova 34.0.0), as far as a trait exists.
_OTHER_NAMES = {"amd64": "x86_64"}


def refusal_of_capabilities(facts: Facts, destination: Destination) -> HostRefusal | None:
    """Apply ComputeCapabilitiesFilter to what the API shows of a hypervisor."""
    name = "ComputeCapabilitiesFilter"
    for key, asked in sorted(facts.server.flavor.extra_specs.items()):
        capability = _capability(key)
        if capability is None:
            continue
        value = _shown(destination, capability)
        if value is None:
            return HostRefusal(name, f"flavor {key} asks for what no API shows of a host")
        if not _satisfied(value, asked):
            return HostRefusal(name, f"flavor {key} asks for {asked}, the host has {value}", True)
    return None


def refusal_of_image(facts: Facts, destination: Destination) -> HostRefusal | None:
    """Apply ImagePropertiesFilter to what the API and traits show of a hypervisor.

    Nova-compute reports COMPUTE_ARCH_… of each architecture that libvirt has guests of
    (``_get_cpu_emulation_arch_traits`` in ``nova/virt/libvirt/driver.py``), and all guests of QEMU
    have the mode ``hvm``.
    """
    name = "ImagePropertiesFilter"
    properties = as_nova_names(facts.image_properties or {})
    default = facts.inputs.scheduler.default_architecture
    architecture = properties.get(image_keys.ARCHITECTURE) or default
    hypervisor = properties.get(image_keys.HYPERVISOR_TYPE)
    mode = properties.get(image_keys.VM_MODE)
    if not (architecture or hypervisor or mode):
        return None
    if hypervisor or (mode and mode.lower() != "hvm"):
        asked = hypervisor or mode
        return HostRefusal(
            name, f"the image asks for {asked}, and no API shows which guests a host can have"
        )
    if architecture and not _runs(destination, architecture):
        return HostRefusal(
            name, f"no trait of the host shows that it runs guests of {architecture}"
        )
    if (bits := properties.get(image_keys.ADDRESS_BITS)) is not None:
        return HostRefusal(name, f"the image asks for {bits} bits of address space")
    wanted, node = properties.get(image_keys.HYPERVISOR_VERSION), destination.node
    if wanted and not (node and _is_of_version(node.hypervisor_version, wanted)):
        return HostRefusal(name, f"the image asks for a hypervisor of version {wanted}")
    return None


def _capability(key: str) -> str | None:
    """Return what the filter looks for because of an extra spec; None if it does not care."""
    scope, colon, rest = key.partition(":")
    if key == ADDRESS_BITS:
        return key
    if colon:
        return rest if scope == CAPABILITIES_SCOPE else None
    return key if may_be_of_host(key) else None


def _shown(destination: Destination, capability: str) -> str | None:
    node = destination.node
    if node is None:
        return None
    shown = {
        "host": node.host,
        "hypervisor_hostname": node.hypervisor_hostname,
        "hypervisor_type": node.hypervisor_type,
        "hypervisor_version": str(node.hypervisor_version),
        "nodename": node.hypervisor_hostname,
    }
    return shown.get(capability)


def _satisfied(value: str, asked: str) -> bool:
    try:
        return satisfies_extra_spec(value, asked)
    except ValueError:
        return False


def _runs(destination: Destination, architecture: str) -> bool:
    root = destination.tree.root if destination.tree else None
    name = _OTHER_NAMES.get(architecture.lower(), architecture).upper()
    return root is not None and f"COMPUTE_ARCH_{name}" in root.traits


def _is_of_version(version: int, predicate: str) -> bool:
    """Compare as the filter does."""
    shown = versionutils.convert_version_to_str(version)
    try:
        return bool(versionutils.VersionPredicate(predicate).satisfied_by(shown))
    except ValueError:
        return False
