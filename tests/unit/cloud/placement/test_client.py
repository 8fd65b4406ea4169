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

"""What is read from placement, where a real one is hard to bring into that state."""

import requests_mock
import testtools
from keystoneauth1 import adapter, session, token_endpoint

from vfio_lm.cloud.model import Inventory, Provider
from vfio_lm.cloud.placement import PlacementClient
from vfio_lm.errors import NotFoundError

_URL = "http://127.0.0.1/placement"
_VF = "CUSTOM_PCI_8086_1515"


def placement_client() -> PlacementClient:
    auth = token_endpoint.Token(_URL, "token")
    return PlacementClient(adapter.Adapter(session.Session(auth), service_type="placement"))


class TestDetails(testtools.TestCase):
    @requests_mock.Mocker()
    def test_reserved_units_are_no_capacity(self, mock):
        path = f"{_URL}/resource_providers/u"
        units = {"total": 8, "reserved": 3, "allocation_ratio": 1.0}
        mock.get(f"{path}/inventories", json={"inventories": {_VF: units}})
        mock.get(f"{path}/usages", json={"usages": {_VF: 2}})
        mock.get(f"{path}/traits", json={"traits": ["A"]})
        bare = Provider(uuid="u", name="n", root_uuid="r", parent_uuid="r")
        found = placement_client().with_details(bare)
        self.assertEqual({_VF: Inventory(capacity=5, used=2)}, found.inventories)
        self.assertEqual((frozenset({"A"}), "n"), (found.traits, found.name))


class TestFind(testtools.TestCase):
    @requests_mock.Mocker()
    def test_none_is_an_error_that_names_what_was_asked_for(self, mock):
        mock.get(f"{_URL}/resource_providers", json={"resource_providers": []})
        for asked in ({"uuid": "u-1"}, {"name": "compute1_0000:81:00.0"}):
            error = self.assertRaises(NotFoundError, placement_client().find_provider, **asked)
            self.assertIn(*asked.values(), str(error))
