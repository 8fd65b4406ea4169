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

"""Traits that nova's scheduler asks placement for because of what flavor and image say; no I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import os_traits
from oslo_utils import strutils

from vfio_lm.preflight.rules import extra_specs as flavor_keys
from vfio_lm.preflight.rules import image_properties as image_keys
from vfio_lm.preflight.rules.image_properties import as_nova_names

# Since os-traits of 2026.1.
_KEEPS_TPM_SECRETS = "COMPUTE_SECURITY_TPM_SECRET_SECURITY_HOST"

_ADDRESS_SPACE = {
    "passthrough": os_traits.COMPUTE_ADDRESS_SPACE_PASSTHROUGH,
    "emulate": os_traits.COMPUTE_ADDRESS_SPACE_EMULATED,
}


@dataclasses.dataclass(frozen=True)
class DemandedTraits:
    """Traits besides those of ``trait:`` extra specs."""

    of_host: frozenset[str]
    """Of the providers of the unsuffixed group."""
    of_root: frozenset[str]
    """Of the root provider."""


def demanded_traits(
    extra_specs: Mapping[str, str], properties: Mapping[str, str] | None
) -> DemandedTraits:
    """Return what the scheduler makes of a flavor and an image.

    What nova refuses in its API anyway, memory encryption for instance, is left out.

    Source: ``_translate_…_request`` and ``_process_image_meta`` in ``nova/scheduler/utils.py``,
    ``packed_virtqueue_filter`` and ``tpm_secret_security_filter`` in
    ``nova/scheduler/request_filter.py`` (nova 34.0.0).

    :param properties: of the image; None where not available
    """
    of_image = as_nova_names(properties or {})
    asked = _Asked(extra_specs, of_image)
    of_root = set()
    if asked.is_true("virtio_packed_ring"):
        of_root.add(os_traits.COMPUTE_NET_VIRTIO_PACKED)
    if has_tpm(extra_specs, of_image) and extra_specs.get(flavor_keys.TPM_SECURITY) == "host":
        of_root.add(_KEEPS_TPM_SECRETS)
    return DemandedTraits(frozenset(_of_host(asked)), frozenset(of_root))


def has_tpm(extra_specs: Mapping[str, str], properties: Mapping[str, str]) -> bool:
    """Whether a server has an emulated TPM: ``get_vtpm_constraint`` in nova/virt/hardware.py."""
    return bool(extra_specs.get(flavor_keys.TPM_VERSION) or properties.get(image_keys.TPM_VERSION))


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What may be said by the flavor or by the image; nova refuses servers where they differ."""

    extra_specs: Mapping[str, str]
    properties: Mapping[str, str]

    def value(self, name: str, prefix: str = "hw") -> str | None:
        return self.extra_specs.get(f"{prefix}:{name}") or self.properties.get(f"{prefix}_{name}")

    def is_true(self, name: str) -> bool:
        return strutils.bool_from_string(self.value(name))


def _of_host(asked: _Asked) -> Iterator[str]:
    if asked.value("secure_boot", "os") == "required":
        yield os_traits.COMPUTE_SECURITY_UEFI_SECURE_BOOT
    if (mode := asked.value("maxphysaddr_mode")) in _ADDRESS_SPACE:
        yield _ADDRESS_SPACE[mode]
    if asked.value("pci_numa_affinity_policy") == "socket":
        yield os_traits.COMPUTE_SOCKET_PCI_NUMA_AFFINITY
    properties = asked.properties
    if properties.get("hw_firmware_type") == "uefi" and strutils.bool_from_string(
        properties.get("hw_firmware_stateless")
    ):
        yield os_traits.COMPUTE_SECURITY_STATELESS_FIRMWARE
    if has_tpm(asked.extra_specs, properties):
        is_crb = asked.value("tpm_model") == "tpm-crb"
        yield os_traits.COMPUTE_SECURITY_TPM_CRB if is_crb else os_traits.COMPUTE_SECURITY_TPM_TIS
        is_2 = asked.value("tpm_version") == "2.0"
        yield os_traits.COMPUTE_SECURITY_TPM_2_0 if is_2 else os_traits.COMPUTE_SECURITY_TPM_1_2
    for key, value in properties.items():
        if key.startswith("trait:") and value == "required":
            yield key.removeprefix("trait:")
