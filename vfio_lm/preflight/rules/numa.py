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
