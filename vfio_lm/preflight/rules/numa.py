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

"""Which extra specs and image properties are about a NUMA topology; no I/O."""

from collections.abc import Mapping

# What makes nova give a server a NUMA topology, or belongs to one: numa_get_constraints in
# nova/virt/hardware.py (nova 34.0.0). In image properties the colons are underscores.
_KEYS = (
    "hw:cpu_dedicated_mask",
    "hw:cpu_policy",
    "hw:cpu_realtime",
    "hw:cpu_thread_policy",
    "hw:emulator_threads_policy",
    "hw:mem_page_size",
    "hw:numa_",
    "hw:pci_numa_affinity_policy",
    "resources:PCPU",
)
_ALL_KEYS = (*_KEYS, *(key.replace(":", "_") for key in _KEYS))


def is_of_numa(key: str) -> bool:
    """Whether an extra spec or image property is about a NUMA topology."""
    return key.startswith(_ALL_KEYS)


# What only says more of a topology that something else makes.
_COMPANIONS = (
    "hw:emulator_threads_policy",
    "hw:pci_numa_affinity_policy",
    "hw_emulator_threads_policy",
    "hw_pci_numa_affinity_policy",
)


def topology_keys(asked: Mapping[str, str]) -> list[str]:
    """Return what is about the NUMA topology of a server; nothing for one without.

    A server without a topology has its devices wherever they are, whatever policy it has for them
    (``_filter_pools_for_numa_cells`` in ``nova/pci/stats.py``, nova 34.0.0).

    :param asked: extra specs of the flavor and properties of the image
    """
    keys = sorted(key for key in asked if is_of_numa(key) and asked[key] != "shared")
    return keys if any(key not in _COMPANIONS for key in keys) else []
