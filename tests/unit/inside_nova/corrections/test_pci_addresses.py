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

"""Nova exchanges addresses of devices, and the correction does not."""

import os

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova import exception
from nova.virt.libvirt import migration

from tests.unit.compute import domains
from vfio_lm.compute.domain.remap import remap
from vfio_lm.inside_nova.corrections.pci_addresses import CORRECTION, update_pci_dev_xml

A, B, C = "0000:81:00.1", "0000:81:00.2", "0000:81:01.7"


def tree(domain):
    return etree.fromstring(domain.xml().encode())


class TestTrial(testtools.TestCase):
    def test_the_installed_function_is_wrong_and_the_other_right(self):
        self.assertFalse(CORRECTION.is_right(migration._update_pci_dev_xml))
        self.assertTrue(CORRECTION.is_right(update_pci_dev_xml))

    def test_a_function_that_is_not_known(self):
        def other_parameters(xml_doc, migrate_data):
            raise AssertionError("must not be called")

        def other_result(xml_doc, pci_dev_map_src_dst):
            return None

        def other_needs(xml_doc, pci_dev_map_src_dst):
            raise KeyError("host")

        for function in (other_parameters, other_result, other_needs):
            try:
                CORRECTION.is_right(function)
            except (TypeError, AttributeError, KeyError):
                continue
            self.fail(f"{function} is not known")


class TestFunction(testtools.TestCase):
    @given(domains.HOSTDEV_DOMAINS, st.data())
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_it_does_what_the_remap_of_texts_does(self, domain, data):
        there = data.draw(st.permutations(domain.addresses))
        mapping = {str(source): str(to) for source, to in zip(domain.addresses, there, strict=True)}
        mine = update_pci_dev_xml(tree(domain), mapping)
        other = etree.fromstring(remap(domain.xml(), mapping).encode())
        self.assertEqual(etree.tostring(other), etree.tostring(mine))

    @given(domains.HOSTDEV_DOMAINS, domains.ADDRESSES)
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_it_fails_as_novas_on_a_device_that_is_not_there(self, domain, address):
        mapping = {str(address): C}
        texts = []
        for function in (update_pci_dev_xml, migration._update_pci_dev_xml):
            try:
                texts.append(etree.tostring(function(tree(domain), mapping)))
            except exception.NovaException as exc:
                texts.append(str(exc))
        self.assertEqual(texts[1], texts[0])

    def test_it_refuses_a_malformed_address_as_novas_does(self):
        for function in (update_pci_dev_xml, migration._update_pci_dev_xml):
            for mapping in ({"x": A}, {A: "x"}):
                self.assertRaises(ValueError, function, tree(domains.domain(A)), mapping)
