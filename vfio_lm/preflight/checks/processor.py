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

"""What the processor of a destination lacks, by the traits of both hosts; no check of its own."""

from __future__ import annotations

import functools

from vfio_lm.preflight.facts import Destination, Facts

_OF_PROCESSORS = ("HW_ARCH_", "HW_CPU_")
_OF_THE_HOST_ALONE = (
    "HW_CPU_AMD_SEV",
    "HW_CPU_HYPERTHREADING",
    "HW_CPU_X86_AMD_SEV",
    "HW_CPU_X86_INTEL_TDX",
)


# The same hosts are looked at for each server, and a host has about a hundred traits.
@functools.lru_cache(maxsize=4096)
def processor_traits(traits: frozenset[str]) -> frozenset[str]:
    """Return those of a host's traits that tell what the processors of its guests can do.

    By ``[libvirt]cpu_mode`` and ``cpu_models``: where a model is configured, its own, whatever
    the host's processor can do besides.

    Source: ``_get_cpu_feature_traits`` in ``nova/virt/libvirt/driver.py`` (nova 34.0.0).
    """
    return frozenset(
        trait
        for trait in traits
        if trait.startswith(_OF_PROCESSORS) and not trait.startswith(_OF_THE_HOST_ALONE)
    )


def lacking_traits(facts: Facts, destination: Destination) -> list[str]:
    """Return what guests of the source may have and those of a destination have not.

    A host that tells nothing of its processor is not held to lack anything.
    """
    root = destination.tree.root if destination.tree else None
    there = processor_traits(root.traits) if root else frozenset()
    return sorted(processor_traits(facts.source.traits) - there) if there else []
