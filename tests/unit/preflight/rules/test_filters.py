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

"""Which filters refuse a host, held against nova's own."""

from __future__ import annotations

import dataclasses

import testtools
from nova.scheduler import filters

from tests.unit.nova_scheduling import admits, aggregates, host_state, request_spec
from tests.unit.preflight.scenario import destination, facts, node
from vfio_lm.cloud.model import Aggregate
from vfio_lm.pci.scheduler_options import SchedulerOptions
from vfio_lm.preflight.rules.filters import (
    COUNTING,
    hinted_servers,
    host_metadata,
    refusals,
)

OTHER = "c4a2ad0c-49c2-4a0e-8d2a-3c0e1f6e9b11"


def _found(enabled, *, metadata=(), extra_specs=None, there=None, **changes):
    server = {
        "project_id": "project1",
        "scheduler_hints": changes.pop("hints", {}),
        "flavor": dataclasses.replace(
            facts().server.flavor, name="f", extra_specs=extra_specs or {}
        ),
    }
    where = destination(node=node("compute2", server_ids=there))
    known = facts(
        server=server,
        destinations=(where,),
        scheduler=SchedulerOptions(enabled_filters=enabled),
        aggregates=tuple(
            Aggregate(f"a{number}", f"u{number}", frozenset({"compute2"}), dict(each))
            for number, each in enumerate(metadata)
        ),
        **changes,
    )
    return list(refusals(known, where))


class TestRefusals(testtools.TestCase):
    def test_aggregates_say_what_novas_filters_say(self):
        for name, extra_specs, metadata in (
            ("AggregateInstanceExtraSpecsFilter", {}, [{}]),
            ("AggregateInstanceExtraSpecsFilter", {"ssd": "true"}, [{}]),
            ("AggregateInstanceExtraSpecsFilter", {"ssd": "true"}, [{"ssd": "true"}]),
            ("AggregateInstanceExtraSpecsFilter", {"ssd": "true"}, [{"ssd": "no, true"}]),
            ("AggregateInstanceExtraSpecsFilter", {"ssd": "s== a"}, [{"ssd": "b"}, {"ssd": "a"}]),
            ("AggregateInstanceExtraSpecsFilter", {"hw:ssd": "true"}, [{}]),
            (
                "AggregateInstanceExtraSpecsFilter",
                {"aggregate_instance_extra_specs:ssd": "true"},
                [{"ssd": "false"}],
            ),
            ("AggregateMultiTenancyIsolation", {}, [{"filter_tenant_id": "project2"}]),
            ("AggregateMultiTenancyIsolation", {}, [{"filter_tenant_id2": "project2, project1"}]),
            ("AggregateMultiTenancyIsolation", {}, [{"other": "project2"}]),
            ("AggregateTypeAffinityFilter", {}, [{"instance_type": "f"}]),
            ("AggregateTypeAffinityFilter", {}, [{"instance_type": "g, h"}]),
            ("AggregateTypeAffinityFilter", {}, [{"instance_type": "g"}, {"instance_type": "f"}]),
            ("AggregateTypeAffinityFilter", {}, [{}]),
        ):
            passes = admits(
                name, host_state(aggregates=aggregates(*metadata)), request_spec(extra_specs, {})
            )
            found = _found((name,), extra_specs=extra_specs, metadata=metadata)
            self.assertEqual(passes, not found, (name, extra_specs, metadata))
            self.assertTrue(all(each.is_certain for each in found))

    def test_hints_say_what_novas_filters_say(self):
        for name, hint in (
            ("DifferentHostFilter", "different_host"),
            ("SameHostFilter", "same_host"),
        ):
            for there in (frozenset(), frozenset({OTHER})):
                for hints in ({}, {hint: [OTHER]}):
                    state = host_state(instances=dict.fromkeys(there))
                    passes = admits(name, state, request_spec({}, {}, hints))
                    self.assertEqual(passes, not _found((name,), hints=hints, there=there), hints)

    def test_one_that_left_a_moment_ago_is_a_doubt(self):
        (found,) = _found(
            ("DifferentHostFilter",),
            hints={"different_host": OTHER},
            there=frozenset(),
            departures={"compute2": frozenset({OTHER})},
        )
        self.assertFalse(found.is_certain)

    def test_properties_of_images_are_compared_with_care(self):
        name, metadata = "AggregateImagePropertiesIsolation", [{"hw_machine_type": "pc"}]
        for properties in ({}, {"hw_machine_type": "pc"}, {"hw_machine_type": "q35"}):
            state = host_state(aggregates=aggregates(*metadata))
            passes = admits(name, state, request_spec({}, properties))
            found = _found((name,), metadata=metadata, image_properties=properties)
            self.assertEqual(passes, not found, properties)
            self.assertFalse(any(each.is_certain for each in found))

    def test_a_filter_that_is_off_refuses_nothing(self):
        isolated = [{"filter_tenant_id": "project2"}]
        default = ("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter")
        hints = {"different_host": OTHER, "query": "[]", "colour": "blue"}
        self.assertEqual([], _found(default, metadata=isolated, hints=hints))

    def test_nothing_is_certain_where_it_is_not_known_what_is_on(self):
        (found,) = _found(None, metadata=[{"filter_tenant_id": "project2"}])
        self.assertFalse(found.is_certain)
        self.assertEqual([], _found(None))

    def test_a_hint_that_no_filter_of_novas_reads_may_be_read_by_another(self):
        self.assertNotEqual([], _found(None, hints={"colour": "blue"}))
        self.assertEqual([], _found(None, hints={"group": OTHER}))

    def test_what_goes_by_more_than_apis_show_is_a_doubt(self):
        for name, hints in (
            ("JsonFilter", {"query": '[">=", "$free_ram_mb", 1]'}),
            ("SimpleCIDRAffinityFilter", {"build_near_host_ip": "192.0.2.1"}),
            ("MetricsFilter", {}),
            ("IsolatedHostsFilter", {}),
            ("AcmeFilter", {}),
        ):
            (found,) = _found((name,), hints=hints)
            self.assertEqual((name, False), (found.by, found.is_certain))

    def test_a_full_host_may_be_refused(self):
        for name in COUNTING:
            limits = [{"max_instances_per_host": "1"}] if name.startswith("Aggregate") else [{}]
            few = frozenset() if name.startswith("Aggregate") else frozenset("ab")
            many = frozenset(map(str, range(50)))
            self.assertEqual([], _found((name,), metadata=limits, there=few))
            self.assertNotEqual([], _found((name,), metadata=limits, there=many))
            self.assertNotEqual([], _found((name,), metadata=limits, there=None))
            state = host_state(num_instances=50, aggregates=aggregates(*limits))
            self.assertFalse(admits(name, state, request_spec({}, {})))

    def test_every_filter_of_novas_own_is_known(self):
        for name in (each.__name__ for each in filters.all_filters()):
            found = _found((name,), there=frozenset())
            self.assertNotIn("no filter of nova's own", "".join(each.reason for each in found))


class TestHintedServers(testtools.TestCase):
    def test_one_or_a_list(self):
        self.assertEqual({OTHER}, hinted_servers({"same_host": OTHER}, "same_host"))
        self.assertEqual({OTHER}, hinted_servers({"same_host": [OTHER]}, "same_host"))
        self.assertEqual(set(), hinted_servers({}, "same_host"))


class TestHostMetadata(testtools.TestCase):
    def test_values_of_all_aggregates_of_the_host_are_together(self):
        known = facts(
            aggregates=(
                Aggregate("a", "u1", frozenset({"compute2"}), {"ssd": "yes, no"}),
                Aggregate("b", "u2", frozenset({"compute2"}), {"ssd": "maybe"}),
                Aggregate("c", "u3", frozenset({"compute3"}), {"ssd": "never"}),
            )
        )
        self.assertEqual({"ssd": {"yes", "no", "maybe"}}, host_metadata(known, "compute2"))
