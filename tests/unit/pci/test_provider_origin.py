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

"""What a host's nova.conf tells of the devices behind a PCI provider, also beside nova itself."""

from __future__ import annotations

import dataclasses
import json

import os_traits
import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import objects
from nova.pci import stats, whitelist

from tests.unit.nova_rules import configured, on_host, pci_device
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    conf,
    destination,
    facts,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.cloud.model import Marking
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.provider_origin import Split, marking, split
from vfio_lm.preflight import HostKnowledge, Status
from vfio_lm.preflight.checks import devices as device_checks

PROVIDER = "11111111-1111-1111-1111-111111111111"
REQUEST = "22222222-2222-2222-2222-222222222222"

TRAIT = {"traits": "HW_PCI_LIVE_MIGRATABLE"}
SILENT_BUT_TAGGED = SILENT | {os_traits.HW_PCI_LIVE_MIGRATABLE}
FIRST, SECOND = {"address": "0000:81:00.1"}, {"address": "0000:81:00.2"}
OTHER_BUS = {"address": "0000:c1:00.*"}

_TAGS = st.fixed_dictionaries(
    {},
    optional={
        "live_migratable": st.sampled_from(["yes", "no"]),
        "managed": st.sampled_from(["yes", "no"]),
        "remote_managed": st.sampled_from(["false", "no"]),
        "physical_network": st.none(),
        "colour": st.sampled_from(["red", "blue", None]),
        "traits": st.sampled_from(["CUSTOM_A", "CUSTOM_B"]),
    },
)


class TestMarking(testtools.TestCase):
    def assert_marking(self, wanted, traits, *specs):
        """Without facts: only the nova.conf of the host is given."""
        provider = pci_provider("compute1", 0, traits)
        self.assertIs(wanted, marking(provider, HostKnowledge(conf=conf(*specs))))

    def test_a_specification_for_neutron_says_nothing_about_providers(self):
        neutron = SPEC_UNTAGGED | {"physical_network": "physnet1"}
        self.assert_marking(Marking.MARKED, SILENT, SPEC_YES, neutron)

    def test_a_specification_of_other_devices_says_nothing(self):
        other_product = SPEC_UNTAGGED | {"product_id": "1520"}
        other_class = SPEC_UNTAGGED | {"resource_class": "codec"}
        for other in (SPEC_UNTAGGED | OTHER_BUS, other_product, other_class):
            self.assert_marking(Marking.MARKED, SILENT, SPEC_YES, other)
            self.assert_marking(Marking.NOT_MARKED, SILENT, SPEC_UNTAGGED, SPEC_YES | OTHER_BUS)
        self.assert_marking(Marking.UNKNOWN, SILENT, SPEC_YES | FIRST, SPEC_UNTAGGED | SECOND)

    def test_the_trait_tells_which_specification_it_was(self):
        yes, silent = SPEC_YES | FIRST | TRAIT, SPEC_UNTAGGED | SECOND
        self.assert_marking(Marking.MARKED, SILENT_BUT_TAGGED, yes, silent)
        self.assert_marking(Marking.NOT_MARKED, SILENT, yes, silent)
        self.assert_marking(Marking.UNKNOWN, SILENT_BUT_TAGGED, yes, silent | TRAIT)
        self.assert_marking(Marking.NOT_MARKED, UNMARKED, SPEC_YES | FIRST, silent)

    def test_a_configuration_that_nova_does_not_run_with_tells_nothing(self):
        self.assert_marking(Marking.UNKNOWN, UNMARKED, SPEC_YES)
        self.assert_marking(Marking.MARKED, MARKED)

    def test_facts_without_nova_conf_declare_nothing(self):
        told = HostKnowledge(facts=HostFacts("compute1", scenario.NOW, (vf(),)))
        provider = pci_provider("compute1", 0, SILENT)
        self.assertIs(Marking.UNKNOWN, marking(provider, told))

    def test_of_vfs_that_differ_those_of_the_server_count(self):
        provider = pci_provider("compute1", 0, SILENT)
        specs = (SPEC_YES | FIRST, SPEC_UNTAGGED | SECOND)
        told = knowledge("compute1", vf(1, user="a"), vf(2, user="b"), specs=specs)
        self.assertIs(Marking.UNKNOWN, marking(provider, told))
        self.assertIs(Marking.MARKED, marking(provider, told, holder="a"))
        self.assertIs(Marking.NOT_MARKED, marking(provider, told, holder="b"))
        self.assertIs(Marking.UNKNOWN, marking(provider, told, holder="c"))


class TestSplit(CheckTestCase):
    check = device_checks.destination_devices

    @given(_TAGS, _TAGS)
    def test_nova_counts_the_vfs_of_a_pf_apart_where_we_do(self, one, other):
        one, other = SPEC_UNTAGGED | FIRST | one, SPEC_UNTAGGED | SECOND | other
        vfs = (vf(1), vf(2))
        with configured(report_in_placement=True), on_host():
            pools = stats.PciDeviceStats(
                None, dev_filter=whitelist.Whitelist([json.dumps(one), json.dumps(other)])
            )
        for each in vfs:
            pools.add_device(pci_device(each.device))
        for pool in pools.pools:
            pool["rp_uuid"] = PROVIDER
        request = objects.InstancePCIRequest(
            count=1,
            alias_name="vf",
            request_id=REQUEST,
            spec=[{"vendor_id": "8086", "product_id": "1515"}],
        )
        mapping = {f"{REQUEST}-0": [PROVIDER]}
        serves = pools.support_requests([request], mapping)
        told = knowledge("compute2", *vfs, specs=(one, other))
        found = split(pci_provider("compute2", 0, free=2), told)
        if None in (*one.values(), *other.values()):
            self.assertIn(found, (Split.PERHAPS, Split.NO if serves else Split.YES))
        else:
            self.assertIs(Split.NO if serves else Split.YES, found)

    def assert_host(self, status, saying, *specs, free=2, knows_devices=True):
        told = knowledge("compute2", vf(1), vf(2), vf(3), specs=specs)
        if not knows_devices:
            told = dataclasses.replace(told, facts=None)
        providers = [pci_provider("compute2", 0, SILENT_BUT_TAGGED, free=free)]
        there = destination("compute2", providers, knowledge=told)
        self.assert_answers(status, facts(destinations=(there,)), saying=saying)

    def test_a_host_where_vfs_of_a_pf_differ_is_never_ready(self):
        first, rest = SPEC_YES | FIRST | TRAIT, SPEC_YES | TRAIT | {"managed": "no"}
        self.assert_host(Status.PASS, "declared live migratable", rest)
        self.assert_host(Status.FAIL, "differ in their tags", first, rest, free=3)
        # two of the three VFs have the same tags, and may be those that are free
        self.assert_host(Status.UNKNOWN, "may differ", first, rest, free=2)
        self.assert_host(Status.PASS, "declared live migratable", first, rest, free=1)

    def test_without_facts_vfs_that_may_differ_are_told(self):
        first, rest = SPEC_YES | FIRST | TRAIT, SPEC_YES | TRAIT | {"managed": "no"}
        self.assert_host(Status.UNKNOWN, "may differ", first, rest, knows_devices=False)
        other_bus = SPEC_YES | OTHER_BUS | TRAIT
        self.assert_host(Status.PASS, "declared", other_bus, rest, knows_devices=False)
