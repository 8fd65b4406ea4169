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

"""Servers that ask for the same are asked about once; those that may differ are not."""

import os
import types

import testtools
from oslo_utils.fixture import uuidsentinel as uuids

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova import objects
from nova.network import model

from vfio_lm.inside_nova.same_request import request_key
from vfio_lm.inside_nova.stored_servers import AskedServer

objects.register_all()


def subject(
    uuid, *, memory=512, request=uuids.request, host="a", ports=(), group=None, pin=0, device=None
):
    flavor = objects.Flavor(id=1, memory_mb=memory, vcpus=1, extra_specs={})
    requests = objects.InstancePCIRequests(
        instance_uuid=uuid,
        requests=[
            objects.InstancePCIRequest(
                count=1, spec=[{"product_id": "1515"}], alias_name="vf", request_id=request
            )
        ],
    )
    cell = objects.InstanceNUMACell(
        id=0, cpuset=set(), pcpuset={0}, memory=memory, cpu_pinning_raw={"0": pin}
    )
    instance = types.SimpleNamespace(
        uuid=uuid,
        host=host,
        node=host,
        vm_state="active",
        task_state=None,
        power_state=1,
        launched_at="yesterday",
        locked=False,
        flavor=flavor,
        image_meta=objects.ImageMeta(properties=objects.ImageMetaProps()),
        pci_requests=requests,
        pci_devices=[types.SimpleNamespace(status="allocated", request_id=device or request)],
        numa_topology=objects.InstanceNUMATopology(cells=[cell]),
        resources=None,
        get_network_info=lambda: model.NetworkInfo(list(ports)),
    )
    spec = objects.RequestSpec(
        id=hash(uuid) % 1000, instance_uuid=uuid, flavor=flavor, instance_group=group
    )
    return AskedServer(None, types.SimpleNamespace(uuid=uuids.cell), instance, spec)


class TestRequestKey(testtools.TestCase):
    def assert_same(self, one, other):
        self.assertEqual(request_key(one), request_key(other))

    def assert_different(self, one, other):
        self.assertNotEqual(request_key(one), request_key(other))

    def test_what_is_a_servers_own_does_not_count(self):
        self.assert_same(
            subject(uuids.one), subject(uuids.other, request=uuids.other_request, pin=3)
        )

    def test_what_is_asked_for_and_where_from_does(self):
        self.assert_different(subject(uuids.one), subject(uuids.other, memory=1024))
        self.assert_different(subject(uuids.one), subject(uuids.other, host="b"))

    def test_a_device_that_is_no_requests_counts(self):
        self.assert_different(subject(uuids.one), subject(uuids.other, device=uuids.gone))

    def test_a_server_with_ports_or_in_a_group_is_like_no_other(self):
        vif = model.VIF(id=uuids.port)
        group = objects.InstanceGroup(uuid=uuids.group)
        for fields in ({"ports": [vif]}, {"group": group}):
            self.assert_different(subject(uuids.one, **fields), subject(uuids.other, **fields))
            self.assert_same(subject(uuids.one, **fields), subject(uuids.one, **fields))
