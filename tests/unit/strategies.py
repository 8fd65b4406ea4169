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

"""Inputs for property tests: what operators write into nova.conf, right and wrong."""

from __future__ import annotations

import json

from hypothesis import strategies as st

PCI_IDS = st.sampled_from(["8086", "15b3", "15B3", "1515", "101e", "10de", "808", "80866", "zzzz"])
NAMES = st.sampled_from(["vf", "nic", " vf ", "gpu", "", "a:b"])
LIVE_MIGRATABLE = st.sampled_from(
    ["yes", "no", "true", "False", "on", "OFF", "1", "0", "t", "n", "maybe", "", " yes "]
)
TRAIT_WORDS = st.sampled_from(
    [
        "HW_PCI_LIVE_MIGRATABLE",
        "HW_GPU_API_VULKAN",
        "CUSTOM_BIG",
        "big",
        "!HW_PCI_LIVE_MIGRATABLE",
        " blue",
        "a-b c",
        "",
        "COMPUTE_MANAGED_PCI_DEVICE",
    ]
)
TRAITS = st.lists(TRAIT_WORDS, max_size=4).map(",".join)
RESOURCE_CLASSES = st.sampled_from(
    ["CUSTOM_GPU", "gpu", "PGPU", "VCPU", "custom_x", "my nic!", "", "Vgpu"]
)
DEVICE_TYPES = st.sampled_from(["type-VF", "type-PF", "type-PCI", "type-VDPA", "vf"])
NUMA_POLICIES = st.sampled_from(["required", "legacy", "preferred", "socket", "strict", ""])

_ALIAS_FIELDS = {
    "name": NAMES,
    "vendor_id": PCI_IDS,
    "product_id": PCI_IDS,
    "device_type": DEVICE_TYPES,
    "numa_policy": NUMA_POLICIES,
    "resource_class": RESOURCE_CLASSES,
    "traits": TRAITS,
    "live_migratable": LIVE_MIGRATABLE,
    "capability_type": st.sampled_from(["pci", "usb"]),
}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)

#: Mostly legal aliases, so that the rules about several of them are reached.
GOOD_ALIASES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["vf", "nic", " vf "]),
        "vendor_id": st.sampled_from(["8086", "15b3"]),
        "product_id": st.sampled_from(["1515", "101e"]),
    },
    optional={
        "device_type": st.sampled_from(["type-VF", "type-PF"]),
        "numa_policy": st.sampled_from(["required", "legacy"]),
        "resource_class": RESOURCE_CLASSES,
        "traits": TRAITS,
        "live_migratable": st.sampled_from(["yes", "no", "true", "0"]),
    },
)

ALIAS_VALUES = st.one_of(
    GOOD_ALIASES.map(json.dumps),
    st.fixed_dictionaries({}, optional=_ALIAS_FIELDS).map(json.dumps),
    st.dictionaries(st.sampled_from([*_ALIAS_FIELDS, "dev_type"]), JSON_VALUES).map(json.dumps),
    JSON_VALUES.map(json.dumps),
    st.text(max_size=20),
)
