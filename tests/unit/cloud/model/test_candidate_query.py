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

"""The candidate query is the one that nova's scheduler sends."""

from __future__ import annotations

import re
import uuid
from unittest import mock
from urllib import parse

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import context, objects
from nova.scheduler import request_filter, utils

from tests.unit.nova_rules import configured
from vfio_lm.cloud.http.shape import Fields
from vfio_lm.cloud.model.candidate_query import claimed_resources, nova_query, pci_group
from vfio_lm.cloud.network import port_resources

_AMOUNTS = st.sampled_from(["0", "1", "2", "x", "-1"])
_SUFFIXES = st.sampled_from(["", "1", "_gpu"])
_CLASSES = st.sampled_from(["VCPU", "VGPU", "CUSTOM_FPGA", "NO_SUCH_CLASS"])
_TRAITS = st.sampled_from(["HW_PCI_LIVE_MIGRATABLE", "CUSTOM_A", "CUSTOM_B"])
_EXTRA_SPECS = st.builds(
    lambda resources, traits, policy: resources | traits | policy,
    st.dictionaries(st.builds("resources{}:{}".format, _SUFFIXES, _CLASSES), _AMOUNTS, max_size=3),
    st.dictionaries(
        st.builds("trait{}:{}".format, _SUFFIXES, _TRAITS),
        st.sampled_from(["required", "forbidden", "maybe"]),
        max_size=3,
    ),
    st.dictionaries(st.just("group_policy"), st.sampled_from(["none", "isolate", "x"]), max_size=1),
)
_SPECS = st.fixed_dictionaries(
    {"vendor_id": st.just("8086"), "product_id": st.sampled_from(["1515", "1520"])},
    optional={
        "resource_class": st.sampled_from(["gpu", "CUSTOM_NIC"]),
        "traits": st.sampled_from(["HW_PCI_LIVE_MIGRATABLE", "big,CUSTOM_A"]),
    },
)

_IDS = st.uuids().map(str)
_PORTS = st.lists(_IDS, min_size=1, max_size=2, unique=True).flatmap(
    lambda ids: st.fixed_dictionaries(
        {
            "request_groups": st.just(
                [
                    {"id": each, "required": ["CUSTOM_A"], "resources": {"CUSTOM_BANDWIDTH": 10}}
                    for each in ids
                ]
            )
        },
        optional={"same_subtree": st.just(ids)},
    )
)


def _first_id(port):
    return port["request_groups"][0]["id"]


def nova_request(extra_specs, pci, requires_owner, node, ports=()):
    """Do what nova's conductor and scheduler do before they ask placement."""
    flavor = objects.Flavor(
        vcpus=2, memory_mb=512, root_gb=1, ephemeral_gb=1, swap=1500, extra_specs=extra_specs
    )
    spec = objects.RequestSpec(
        context=context.get_admin_context(),
        flavor=flavor,
        is_bfv=False,
        image=None,
        requested_resources=[
            group
            for each in ports
            for group in objects.RequestGroup.from_extended_port_request(None, each)
        ],
        pci_requests=objects.InstancePCIRequests(
            requests=[
                objects.InstancePCIRequest(
                    count=count,
                    spec=[fields],
                    request_id=str(uuid.UUID(int=i)),
                    alias_name=f"alias{i}",
                )
                for i, (fields, count) in enumerate(pci)
            ]
        ),
    )
    spec.request_level_params = objects.RequestLevelParams()
    for each in ports:
        spec.request_level_params.extend_with(objects.RequestLevelParams.from_port_request(each))
    hosts = mock.Mock()
    if node is not None:
        spec.requested_destination = objects.Destination(host="compute2", node="compute2")
        hosts.get_compute_nodes_by_host_or_node.return_value = [
            objects.ComputeNode(host="compute2", hypervisor_hostname="compute2", uuid=node)
        ]
    with configured(pci_in_placement=True):
        spec.generate_request_groups_from_pci_requests()
    request_filter.compute_status_filter(None, spec)
    with mock.patch.object(request_filter, "_should_filter_by_owner", return_value=requires_owner):
        request_filter.owner_nova_filter(None, spec)
    return spec, utils.resources_from_request_spec(None, spec, hosts)


def with_our_suffixes(params, pci):
    """Number nova's PCI groups, <request's UUID>-<number>, as ours are."""
    theirs = [f"{uuid.UUID(int=i)}-{k}" for i, (_, count) in enumerate(pci) for k in range(count)]
    ours = {name: f"_PCI{i}" for i, name in enumerate(theirs)}
    suffix = re.compile("|".join(theirs) or "$^")
    return sorted((suffix.sub(lambda match: ours[match[0]], key), value) for key, value in params)


class TestAgainstNova(testtools.TestCase):
    """Nova 34's own code builds the query for the same server."""

    @given(
        _EXTRA_SPECS,
        st.lists(st.tuples(_SPECS, st.integers(1, 3)), max_size=2),
        st.booleans(),
        st.sampled_from([None, "7e9d2bba-0000-4000-8000-000000000001"]),
    )
    def test_nova_asks_placement_the_same(self, extra_specs, pci, requires_owner, node):
        spec, request = nova_request(extra_specs, pci, requires_owner, node)
        groups, held = [], {}
        for fields, count in pci:
            resource_class = spec._rc_from_request(fields)
            held[resource_class] = held.get(resource_class, 0) + count
            for _ in range(count):
                groups.append(
                    pci_group(len(groups), resource_class, spec._traits_from_request(fields))
                )
        resources = {
            name: amount - held.get(name, 0)
            for name, amount in request.merged_resources().items()
            if amount > held.get(name, 0)
        }
        query = nova_query(
            extra_specs, resources, groups, requires_owner=requires_owner, in_tree=node
        )
        self.assertEqual(
            with_our_suffixes(parse.parse_qsl(request.to_querystring()), pci), query.to_params()
        )

    @given(_EXTRA_SPECS, st.lists(_PORTS, max_size=2, unique_by=_first_id))
    def test_nova_asks_the_same_for_ports(self, extra_specs, ports):
        _, request = nova_request(extra_specs, [], False, None, ports)
        found = [port_resources("p1", Fields(each)) for each in ports]
        query = nova_query(
            extra_specs,
            request.merged_resources(),
            (),
            requires_owner=False,
            port_groups=[group for each in found for group in each.groups],
            same_subtrees=tuple(each for port in found for each in port.same_subtrees),
        )
        self.assertEqual(sorted(parse.parse_qsl(request.to_querystring())), query.to_params())

    @given(_EXTRA_SPECS)
    def test_nova_claims_the_same(self, extra_specs):
        _, request = nova_request(extra_specs, [], False, None)
        plain = {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 4}
        self.assertEqual(request.merged_resources(), claimed_resources(plain, extra_specs))


class TestPciGroups(testtools.TestCase):
    def test_every_device_is_a_group_of_its_own(self):
        groups = [pci_group(i, "CUSTOM_PCI_8086_1515", frozenset()) for i in range(2)]
        query = nova_query({}, {"VCPU": 1}, groups, requires_owner=False)
        params = dict(query.to_params())
        self.assertEqual("CUSTOM_PCI_8086_1515:1", params["resources_PCI0"])
        self.assertEqual("CUSTOM_PCI_8086_1515:1", params["resources_PCI1"])
        self.assertEqual("none", params["group_policy"])
