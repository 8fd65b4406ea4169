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

"""Which options of the scheduler refuse a host."""

from __future__ import annotations

import dataclasses

import testtools

from tests.unit.preflight.scenario import destination, facts
from vfio_lm.cloud.model import Aggregate, Segment
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight.rules.request_filters import option_refusals


def _with_traits(*traits):
    known = destination()
    root = known.tree.root.with_traits(traits)
    providers = dict(known.tree.providers) | {root.uuid: root}
    return destination(tree=dataclasses.replace(known.tree, providers=providers))


class TestOptionRefusals(testtools.TestCase):
    def found(self, where=None, *, options=None, **changes):
        where = where or destination()
        known = facts(destinations=(where,), scheduler=SchedulerOptions(**options or {}), **changes)
        return [
            (each.by.partition("]")[2], each.is_certain) for each in option_refusals(known, where)
        ]

    def test_a_plain_server_is_not_refused(self):
        self.assertEqual([], self.found(segments={}))

    def test_a_project_may_only_use_the_hosts_of_its_aggregate(self):
        def own(host):
            metadata = {"filter_tenant_id_1": "project1"}
            return {
                "aggregates": (Aggregate("own", "u", frozenset({host}), metadata),),
                "server": {"project_id": "project1"},
            }

        option = "limit_tenants_to_placement_aggregate"
        self.assertEqual([(option, False)], self.found(**own("compute3")))
        on, off = {"limits_projects": True}, {"limits_projects": False}
        self.assertEqual([(option, True)], self.found(options=on, **own("compute3")))
        self.assertEqual([], self.found(options=on, **own("compute2")))
        self.assertEqual([], self.found(options=off, **own("compute3")))
        self.assertEqual([], self.found(options=on))
        needed = on | {"projects_need_aggregate": True}
        self.assertEqual([(option, True)], self.found(options=needed))

    def test_traits_of_image_metadata_may_be_missing(self):
        bus = {"image_properties": {"hw_disk_bus": "virtio"}, "segments": {}}
        option = "image_metadata_prefilter"
        self.assertEqual([(option, False)], self.found(_with_traits(), **bus))
        self.assertEqual([], self.found(_with_traits("COMPUTE_STORAGE_BUS_VIRTIO"), **bus))
        off = {"asks_for_image_metadata": False}
        self.assertEqual([], self.found(_with_traits(), options=off, **bus))

    def test_a_host_may_not_take_the_format_of_an_image(self):
        known = {"source": {"traits": frozenset({"COMPUTE_IMAGE_TYPE_QCOW2"})}, "segments": {}}
        option = "query_placement_for_image_type_support"
        self.assertEqual([(option, False)], self.found(_with_traits(), **known))
        self.assertEqual([], self.found(_with_traits("COMPUTE_IMAGE_TYPE_QCOW2"), **known))
        known["server"] = {"image_properties": None}
        self.assertEqual([], self.found(_with_traits(), **known))

    def test_only_a_network_of_several_segments_can_be_routed(self):
        segment = Segment(network_type="vlan", physical_network="p")
        option = "query_placement_for_routed_network_aggregates"
        self.assertEqual([], self.found(segments={"n": (segment,)}))
        self.assertEqual([(option, False)], self.found(segments={"n": (segment, segment)}))
        self.assertEqual([], self.found(segments=None))
        on = {"asks_for_routed_networks": True}
        self.assertEqual([(option, False)], self.found(segments=None, options=on))
