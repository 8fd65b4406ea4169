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

"""A server's devices and stored requests are brought together again, or the claim is refused."""

import os
import types

import testtools
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova import exception, objects
from nova.compute import resource_tracker

from vfio_lm.inside_nova.corrections.claim_requests import (
    CORRECTION,
    adopted,
    stored_requests,
)

objects.register_all()


def request(request_id, product="1515", count=1, alias="vf"):
    return objects.InstancePCIRequest(
        request_id=request_id,
        count=count,
        alias_name=alias,
        spec=[{"vendor_id": "8086", "product_id": product, "live_migratable": "true"}],
    )


def device(request_id, product="1515", status="allocated"):
    return types.SimpleNamespace(
        request_id=request_id,
        vendor_id="8086",
        product_id=product,
        dev_type="type-VF",
        status=status,
    )


def ids(count):
    return [f"{number:08d}-0000-0000-0000-000000000000" for number in range(count)]


OLD, NEW, OTHER, MORE = ids(4)


class TestAdopted(testtools.TestCase):
    def test_requests_that_have_devices_stay(self):
        self.assertEqual([], adopted([request(OLD)], [device(OLD)]))
        self.assertEqual([], adopted([request(OLD)], []))

    def test_a_request_gets_the_id_of_its_devices(self):
        new = request(NEW, count=2)
        self.assertEqual([(new, OLD)], adopted([new], [device(OLD), device(OLD)]))

    def test_kinds_of_devices_are_kept_apart(self):
        nic, codec = request(NEW), request(OTHER, product="1516")
        found = adopted([nic, codec], [device(MORE, product="1516"), device(OLD)])
        self.assertEqual([(nic, OLD), (codec, MORE)], found)

    def test_a_request_of_a_port_is_none_of_the_aliases(self):
        port = request(NEW, alias=None)
        self.assertIsNone(adopted([port], [device(OLD)]))
        alias = request(OTHER)
        self.assertEqual([(alias, OLD)], adopted([port, alias], [device(NEW), device(OLD)]))

    def test_devices_that_fit_no_request(self):
        self.assertIsNone(adopted([request(NEW)], [device(OLD, product="1516")]))
        self.assertIsNone(adopted([request(NEW, count=2)], [device(OLD)]))
        self.assertIsNone(adopted([request(NEW)], [device(OLD), device(MORE)]))

    @given(st.lists(st.sampled_from(["1515", "1516", "1517"]), max_size=4), st.randoms())
    def test_whatever_the_order_each_request_gets_devices_of_its_kind(self, products, dice):
        old, new = ids(10)[:5], ids(10)[5:]
        requests = [request(name, product) for name, product in zip(new, products, strict=False)]
        devices = [device(name, product) for name, product in zip(old, products, strict=False)]
        dice.shuffle(devices)
        found = adopted(requests, devices)
        kinds = {each.request_id: each.product_id for each in devices}
        self.assertEqual(sorted(kinds), sorted(name for _, name in found))
        for each, name in found:
            self.assertEqual(each.spec[0]["product_id"], kinds[name])


class TestStoredRequests(testtools.TestCase):
    def stored(self, requests, devices):
        instance = types.SimpleNamespace(
            uuid=MORE, pci_requests=objects.InstancePCIRequests(requests=requests)
        )
        found = types.SimpleNamespace(get_by_instance_uuid=lambda context, uuid: devices)
        return stored_requests(types.SimpleNamespace(PciDeviceList=found), None, instance)

    def test_the_ids_are_those_of_the_devices(self):
        found = self.stored([request(NEW)], [device(OLD), device(OTHER, status="claimed")])
        self.assertEqual([OLD], [each.request_id for each in found.requests])

    def test_a_claim_that_cannot_be_told_is_refused(self):
        exc = self.assertRaises(
            exception.ComputeResourcesUnavailable,
            self.stored,
            [request(NEW)],
            [device(OLD, product="1516")],
        )
        self.assertIn("it is unknown which", str(exc))


class TestCorrection(testtools.TestCase):
    def test_the_installed_claim_is_wrong_and_the_corrected_one_right(self):
        function = resource_tracker.ResourceTracker._move_claim
        self.assertFalse(CORRECTION.is_right(function))
        self.assertTrue(CORRECTION.is_right(CORRECTION.corrected(function)))
