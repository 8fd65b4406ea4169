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

"""The devices that satisfy an alias are those that nova would give to a server."""

import json

import testtools
from hypothesis import given, reject
from hypothesis import strategies as st
from nova import exception, objects
from nova.pci import request, stats, whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host, pci_device
from vfio_lm.pci import (
    Device,
    DeviceKind,
    PciAddress,
    first_match,
    parse_aliases,
    parse_device_specs,
)
from vfio_lm.pci.alias import AliasError
from vfio_lm.pci.matching import may_have_class, may_serve, satisfies

_ALIASES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.just("vf"),
            "vendor_id": st.sampled_from(["8086", "15b3", "15B3"]),
            "product_id": st.sampled_from(["1515", "101e", "101E"]),
        },
        optional={
            "device_type": st.sampled_from(["type-VF", "type-PF", "type-PCI"]),
            "live_migratable": st.sampled_from(["yes", "no"]),
            "capability_type": st.just("pci"),
            "traits": st.just("big"),
            "resource_class": st.just("gpu"),
        },
    ),
    min_size=1,
    max_size=3,
)
_TAGS = st.fixed_dictionaries(
    {},
    optional={
        "dev_type": st.sampled_from(["type-VF", "type-PF", "vdpa"]),
        "capability_type": st.sampled_from(["pci", "PCI", 1]),
    },
)
_DEVICE_SPECS = st.builds(
    lambda fields, tags: json.dumps(fields | tags), strategies.USABLE_DEVICE_SPECS, _TAGS
)


def nova_gives(alias_values, spec_values, devices):
    """Return the addresses of the devices that nova would give for the alias "vf"."""
    with (
        configured(aliases=alias_values, report_in_placement=True),
        on_host(devices),
    ):
        device_filter = whitelist.Whitelist(spec_values)
        _, request_specs = request.get_alias_from_config()["vf"]
    pools = stats.PciDeviceStats(None, dev_filter=device_filter)
    for device in devices:
        pools.add_device(pci_device(device))
    nova_request = objects.InstancePCIRequest(count=1, spec=request_specs)
    found = pools._filter_pools(pools.pools, nova_request, None, []) or []
    return {device.address for pool in found for device in pool["devices"]}


def we_give(alias_values, spec_values, devices):
    alias = parse_aliases(alias_values)["vf"]
    specs = parse_device_specs(spec_values, report_in_placement=True)
    pairs = [(device, first_match(specs, device)) for device in devices]
    return {
        str(device.address) for device, spec in pairs if spec and satisfies(alias, device, spec)
    }


def vfs(count):
    parent = PciAddress(0, 0x81, 0, 0)
    return [
        Device(PciAddress(0, 0x81, 0, 1 + n), "8086", "1515", DeviceKind.VF, parent, None, "A1")
        for n in range(count)
    ]


class TestAgainstNova(testtools.TestCase):
    @given(_ALIASES, st.lists(_DEVICE_SPECS, min_size=1, max_size=3), strategies.HOSTS)
    def test_nova_gives_the_same_devices(self, aliases, spec_values, devices):
        alias_values = [json.dumps(fields) for fields in aliases]
        try:
            parse_aliases(alias_values)
        except AliasError:
            return  # refused by nova as well, see test_alias
        try:
            expected = nova_gives(alias_values, spec_values, devices)
        except exception.PciDeviceNotFoundById:
            reject()  # a PF that is remotely managed: nova-compute does not start
        self.assertEqual(expected, we_give(alias_values, spec_values, devices))

    @given(_ALIASES, _DEVICE_SPECS, strategies.HOSTS)
    def test_a_specification_of_which_an_alias_gets_a_device_may_serve_it(
        self, aliases, spec_value, devices
    ):
        try:
            alias = parse_aliases([json.dumps(fields) for fields in aliases])["vf"]
        except AliasError:
            reject()
        (spec,) = parse_device_specs([spec_value], report_in_placement=True)
        for device in devices:
            # A tag can claim another kind or ID than the device has, which no class shows.
            if spec.matches(device) and satisfies(alias, device, spec):
                served = [may_serve(each, spec, in_placement=False) for each in alias.specs]
                self.assertIn(True, served, device)

    def both(self, tags, alias_tags):
        """Return how many of two devices both nova and we give, one of them with tags."""
        ids = {"vendor_id": "8086", "product_id": "1515"}
        common = ids | {"name": "vf", "device_type": "type-VF"}
        alias_values = [json.dumps(common | each) for each in alias_tags]
        spec_values = [json.dumps(tags | {"address": "0000:81:00.1"}), json.dumps(ids)]
        given = we_give(alias_values, spec_values, vfs(2))
        self.assertEqual(nova_gives(alias_values, spec_values, vfs(2)), given)
        return len(given)

    def test_yes_no_and_unspecified(self):
        yes, no = {"live_migratable": "yes"}, {"live_migratable": "no"}
        self.assertEqual(1, self.both(yes, [yes]))
        self.assertEqual(0, self.both(yes, [no]))
        self.assertEqual(1, self.both(no, [no]))
        self.assertEqual(0, self.both(no, [yes]))
        self.assertEqual(2, self.both(yes, [{}]))

    def test_definitions_that_disagree_take_no_device_that_says_nothing(self):
        yes, no = {"live_migratable": "yes"}, {"live_migratable": "no"}
        self.assertEqual(1, self.both(yes, [yes, no]))
        self.assertEqual(2, self.both(yes, [yes, {}]))

    def test_a_remotely_managed_device_is_for_no_alias(self):
        self.assertEqual(1, self.both({"remote_managed": "true"}, [{}]))
        self.assertEqual(2, self.both({"remote_managed": "false"}, [{}]))


class TestMayServe(testtools.TestCase):
    def served(self, tags, alias_tags=(), *, in_placement=True):
        ids = {"vendor_id": "8086", "product_id": "1515"}
        alias = parse_aliases([json.dumps(ids | {"name": "vf"} | dict(alias_tags))])["vf"]
        (spec,) = parse_device_specs([json.dumps(ids | tags)], report_in_placement=True)
        return may_serve(alias.specs[0], spec, in_placement=in_placement)

    def test_ids_and_what_is_for_no_alias(self):
        self.assertTrue(self.served({}))
        self.assertFalse(self.served({"product_id": "1520"}))
        self.assertFalse(self.served({"physical_network": "physnet1"}))
        self.assertTrue(self.served({"physical_network": "physnet1"}, in_placement=False))
        self.assertFalse(self.served({"remote_managed": "true"}))

    def test_the_class_counts_where_placement_is_asked(self):
        other = {"resource_class": "gpu"}
        self.assertFalse(self.served(other))
        self.assertTrue(self.served(other, in_placement=False))
        self.assertTrue(self.served(other, other))

    def test_a_class_that_follows_from_the_device(self):
        (spec,) = parse_device_specs(['{"vendor_id": "8086"}'])
        self.assertTrue(may_have_class(spec, "CUSTOM_PCI_8086_1515"))
        self.assertFalse(may_have_class(spec, "CUSTOM_PCI_15B3_101E"))
        self.assertFalse(may_have_class(spec, "CUSTOM_GPU"))
