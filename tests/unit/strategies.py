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

from vfio_lm.pci import Device, DeviceKind, PciAddress

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

# oslo.config replaces what stands behind a dollar sign before nova sees it.
_CHARACTERS = st.characters(exclude_characters="$", exclude_categories=["Cs"])

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(_CHARACTERS, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(_CHARACTERS, max_size=3), inner)
    ),
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
    st.text(_CHARACTERS, max_size=20),
)

BOOLEANS = st.one_of(
    LIVE_MIGRATABLE, st.booleans(), st.sampled_from([None, 0, 1, 2, 1.0, [], {}, ["yes"]])
)
FIELD_TEXTS = st.one_of(
    st.sampled_from(["*", "", "0", "00", "0a", "0A", "81", "7", "8", "1f", "20", "ff", "100"]),
    st.sampled_from(["0000", "0001", "ffff", "10000", " 0a ", "-1", "0x81", "x", "1_0", "٣", "*1"]),
)
GLOBS = st.one_of(
    st.builds(
        "{}:{}:{}.{}".format,
        st.sampled_from(["*", "0000", "0001", "0"]),
        st.sampled_from(["*", "0a", "81", "A"]),
        st.sampled_from(["*", "00", "01", "1f", "20"]),
        st.sampled_from(["*", "0", "1", "7", "8"]),
    ),
    st.tuples(
        st.lists(FIELD_TEXTS, max_size=4).map(":".join), st.sampled_from(["", "."]), FIELD_TEXTS
    ).map("".join),
    st.text(alphabet="0123456789abcdefABCDEFx:.*- ", max_size=14),
)
_REGEXES = st.one_of(
    st.sampled_from([".*", "0000", "0001", "0", "0[0a]", "81", "0a", "0A", "00|01", "[0-2]"]),
    st.sampled_from(["[1-7]$", "1", "(", "*", "", "a{99999999999999999999}"]),
)
REGEX_ADDRESSES = st.one_of(
    st.dictionaries(
        st.sampled_from(["domain", "bus", "slot", "function", "func"]), _REGEXES, max_size=5
    ),
    st.fixed_dictionaries(
        {
            "domain": st.sampled_from(["0000", "0", "000"]),
            "bus": st.sampled_from(["0a", "81"]),
            "slot": st.sampled_from(["00", "01"]),
            "function": st.sampled_from(["0", "1", ""]),
        }
    ),
    st.dictionaries(st.sampled_from(["domain", "bus"]), JSON_VALUES, min_size=1),
)
ADDRESS_VALUES = st.one_of(GLOBS, GLOBS, REGEX_ADDRESSES, JSON_VALUES)

_SPEC_IDS = st.sampled_from(["8086", "15b3", "15B3", "1515", "101e", "*", " * ", " 8086 ", "808"])
_SPEC_TAGS = {
    "physical_network": st.sampled_from(["physnet1", None, ""]),
    "remote_managed": st.sampled_from(["true", "yes", "false", True, None, "maybe"]),
    "managed": BOOLEANS,
    "live_migratable": BOOLEANS,
    "one_time_use": BOOLEANS,
    "resource_class": RESOURCE_CLASSES | JSON_VALUES,
    "traits": TRAITS | JSON_VALUES,
    "dev_type": st.sampled_from(["type-VF", "type-PF"]),
    "capability_type": st.sampled_from(["pci", "PCI"]),
}
DEVICE_SPECS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={"vendor_id": _SPEC_IDS, "product_id": _SPEC_IDS, "address": ADDRESS_VALUES}
        | _SPEC_TAGS,
    ),
    st.fixed_dictionaries(
        {"devname": st.sampled_from(["pf0", "vf0", "absent", "", None, 5])},
        optional={"vendor_id": _SPEC_IDS, "address": ADDRESS_VALUES} | _SPEC_TAGS,
    ),
    st.dictionaries(st.sampled_from(["vendor_id", "product_id", "managed"]), JSON_VALUES),
)
DEVICE_SPEC_VALUES = st.one_of(
    DEVICE_SPECS.map(json.dumps),
    st.lists(DEVICE_SPECS, max_size=3).map(json.dumps),
    JSON_VALUES.map(json.dumps),
    st.text(_CHARACTERS, max_size=20),
)

USABLE_DEVICE_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "vendor_id": st.sampled_from(["8086", "15b3"]),
        "product_id": st.sampled_from(["1515", "101e"]),
        "address": st.sampled_from(
            ["0000:0a:00.*", "0000:0a:00.0", "*:81:*.*", {"function": "[0-2]"}, {"bus": "81"}]
        ),
        "physical_network": st.sampled_from(["physnet1", None]),
        "live_migratable": st.sampled_from(["yes", "no", None]),
        "one_time_use": st.sampled_from(["yes", "no", None]),
        "resource_class": st.sampled_from(["CUSTOM_GPU", "gpu", "", 5]),
        "traits": st.sampled_from(["HW_PCI_LIVE_MIGRATABLE", "big", "", None, ["big"]]),
        "remote_managed": st.sampled_from(["true", "false"]),
    },
)
"""Specifications that nova accepts at start and that often mean some device of :data:`HOSTS`."""


@st.composite
def _hosts(draw: st.DrawFn) -> list[Device]:
    """Return the devices of one host: PFs with their VFs, and devices without SR-IOV."""
    devices = []
    for bus, slot in [(0x0A, 0), (0x0A, 1), (0x81, 0)]:
        kind = draw(st.sampled_from([None, DeviceKind.PCI, DeviceKind.PF]))
        if kind is None:
            continue
        vendor_id = draw(st.sampled_from(["8086", "15b3"]))
        first = PciAddress(0, bus, slot, 0)
        common = {"vendor_id": vendor_id, "card_serial_number": draw(st.sampled_from([None, "A1"]))}
        numa_node = draw(st.sampled_from([None, 0, 1]))
        product_ids = st.sampled_from(["1515", "101e"])
        devices.append(
            Device(first, product_id=draw(product_ids), kind=kind, numa_node=numa_node, **common)
        )
        if kind is DeviceKind.PF:
            product_id = draw(product_ids)
            devices += (
                Device(
                    PciAddress(0, bus, slot, function),
                    product_id=product_id,
                    kind=draw(st.sampled_from([DeviceKind.VF, DeviceKind.VF, DeviceKind.VDPA])),
                    parent_address=first,
                    numa_node=numa_node,
                    **common,
                )
                for function in range(1, 1 + draw(st.integers(0, 3)))
            )
    return draw(st.permutations(devices))


HOSTS = _hosts()
