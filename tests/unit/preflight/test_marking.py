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

"""What a host's nova.conf declares of the devices behind a PCI provider, or else its traits."""

from __future__ import annotations

import os_traits
import testtools

from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    conf,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.cloud.model import Marking
from vfio_lm.pci.host_facts import HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.preflight.marking import marking

TRAIT = {"traits": "HW_PCI_LIVE_MIGRATABLE"}
SILENT_BUT_TAGGED = SILENT | {os_traits.HW_PCI_LIVE_MIGRATABLE}
FIRST, SECOND = {"address": "0000:81:00.1"}, {"address": "0000:81:00.2"}
OTHER_BUS = {"address": "0000:c1:00.*"}


class TestMarking(testtools.TestCase):
    def assert_marking(self, wanted, traits, *specs):
        """Without facts: only the nova.conf of the host is given."""
        provider = pci_provider("compute1", 0, traits)
        self.assertIs(wanted, marking(provider, Host(conf=conf(*specs))))

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
        self.assert_marking(Marking.UNKNOWN, MARKED)
        self.assert_marking(Marking.UNKNOWN, MARKED, SPEC_YES | OTHER_BUS)
        # nor does one that the facts agree with, where nova-compute would have set the trait
        provider = pci_provider("compute1", 0, UNMARKED)
        self.assertIs(Marking.UNKNOWN, marking(provider, knowledge("compute1", vf(1))))

    def test_a_remotely_managed_device_is_for_no_alias(self):
        """PciDeviceStats.support_requests of nova says so: tests.unit.pci.test_provider_origin."""
        for said in ("true", "yes", "1", "on", "t", "y", "True"):
            remote = SPEC_YES | {"remote_managed": said}
            self.assert_marking(Marking.NOT_MARKED, SILENT_BUT_TAGGED, remote | TRAIT)
            self.assert_marking(Marking.UNKNOWN, MARKED, remote, SPEC_YES)

    def test_facts_without_nova_conf_declare_nothing(self):
        told = Host(facts=HostFacts("compute1", scenario.NOW, (vf(),)))
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
