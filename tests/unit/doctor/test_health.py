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

"""What a first look says of a host, and which thing comes first."""

from __future__ import annotations

import dataclasses
import unittest
from typing import Any

from tests.unit.preflight.scenario import (
    MARKED,
    NOW,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    alias,
    knowledge,
    node,
    pci_provider,
    service,
    vf,
)
from vfio_lm.doctor.health import (
    CloudHealth,
    Condition,
    HostHealth,
    Knowledge,
    assess,
    sources,
)
from vfio_lm.inventory.host import HostInventory, hosts
from vfio_lm.pci import LiveMigratable
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.preflight import Inputs

GOOD, BAD, UNKNOWN, NOT_NEEDED = (
    Condition.GOOD,
    Condition.BAD,
    Condition.UNKNOWN,
    Condition.NOT_NEEDED,
)


def inventory(traits: frozenset[str] | None = MARKED) -> HostInventory:
    """Return a host with a PF in placement; without traits, with none."""
    providers = [] if traits is None else [pci_provider("compute1", 0, traits)]
    (found,) = hosts({"compute1": service("compute1")}, {"compute1": node("compute1")}, providers)
    return found


def known(host: Host | None = None, **changes: Any) -> Knowledge:
    inputs: dict[str, Any] = {
        "now": NOW,
        "aliases": {"vf": alias(LiveMigratable.YES)},
        "pci_in_placement": True,
        "hosts": {"compute1": host} if host else {},
    }
    return Knowledge(Inputs(**(inputs | changes)), is_nova_2026_2=True)


WELL = knowledge("compute1", vf(), has_guard=True, has_corrections=True)


class AssessTest(unittest.TestCase):
    def test_nothing_is_to_be_mended_where_all_is_well(self) -> None:
        health = assess(inventory(), known(WELL))
        self.assertEqual(HostHealth("compute1", GOOD, GOOD, GOOD, GOOD, GOOD, GOOD), health)

    def test_each_aspect_alone_is_the_first_thing_to_mend(self) -> None:
        untagged = knowledge("compute1", vf(), specs=(SPEC_UNTAGGED,))
        plain = knowledge("compute1", vf(migration=MigrationFlags()))
        unguarded = knowledge("compute1", vf(), has_guard=False, has_corrections=False)
        for aspect, found, knowing, complaint in (
            ("spec", inventory(), known(untagged), "no [pci]device_spec declares"),
            ("trait", inventory(UNMARKED), known(WELL), "placement does not have its devices"),
            ("trait", inventory(None), known(WELL), "placement has no PCI device of it"),
            (
                "alias",
                inventory(),
                known(WELL, aliases={"vf": alias(LiveMigratable.UNSPECIFIED)}),
                "no alias with live_migratable=yes",
            ),
            (
                "driver",
                inventory(),
                known(plain),
                "has driver mlx5_vfio_pci, which cannot save",
            ),
            ("guard", inventory(), known(unguarded), "the guard is not installed"),
        ):
            health = assess(found, knowing)
            self.assertIs(BAD, getattr(health, aspect), aspect)
            self.assertIn(complaint, health.first)
            self.assertNotEqual("", health.remedy)

    def test_a_missing_source_leaves_its_aspect_unknown(self) -> None:
        health = assess(inventory(), known())
        self.assertEqual((UNKNOWN, GOOD, GOOD, UNKNOWN), health.needed)
        self.assertIn("its drivers are unknown", health.first)
        health = assess(inventory(), known(WELL, aliases=None))
        self.assertIs(UNKNOWN, health.alias)
        self.assertIn("--nova-conf FILE", health.remedy)
        health = assess(inventory(SILENT), known(WELL))
        self.assertIs(UNKNOWN, health.trait)

    def test_facts_of_another_host_are_not_believed(self) -> None:
        other = dataclasses.replace(WELL, facts=dataclasses.replace(WELL.facts, host="compute9"))
        self.assertIs(UNKNOWN, assess(inventory(), known(other)).driver)

    def test_a_host_whose_conf_names_no_device_needs_nothing(self) -> None:
        health = assess(inventory(None), known(knowledge("compute1", specs=())))
        self.assertEqual((NOT_NEEDED,) * 4, health.needed)
        self.assertEqual("", health.first)

    def test_without_devices_in_placement_only_the_conf_says_that_some_are_missing(self) -> None:
        self.assertIs(UNKNOWN, assess(inventory(None), known()).trait)
        not_asked = known(WELL, pci_in_placement=False)
        self.assertIs(NOT_NEEDED, assess(inventory(None), not_asked).trait)

    def test_an_alias_for_other_devices_does_not_count(self) -> None:
        other = {"vendor_id": "15b3", "product_id": "101e", "live_migratable": "yes"}
        elsewhere = knowledge("compute1", vf(), specs=(other,))
        health = assess(inventory(None), known(elsewhere, pci_in_placement=False))
        self.assertIs(BAD, health.alias)
        same = knowledge("compute1", vf(), specs=(SPEC_YES,))
        self.assertIs(GOOD, assess(inventory(None), known(same)).alias)


class CloudTest(unittest.TestCase):
    def condition(self, *each: HostHealth) -> Condition:
        return CloudHealth((2, 104), True, (), each).condition

    def test_the_worst_host_counts(self) -> None:
        well = assess(inventory(), known(WELL))
        open_one = assess(inventory(), known())
        bad = assess(inventory(UNMARKED), known(WELL))
        self.assertIs(GOOD, self.condition(well))
        self.assertIs(UNKNOWN, self.condition(well, open_one))
        self.assertIs(BAD, self.condition(well, open_one, bad))

    def test_a_cloud_without_devices_is_not_in_order(self) -> None:
        nothing = assess(inventory(None), known(knowledge("compute1", specs=())))
        self.assertIs(UNKNOWN, self.condition())
        self.assertIs(UNKNOWN, self.condition(nothing))


class SourcesTest(unittest.TestCase):
    def test_what_is_missing_is_named_with_its_option(self) -> None:
        found = sources(["compute1", "compute2"], known(WELL).inputs, "")
        self.assertEqual([True, True, True, False], [each.is_there for each in found])
        self.assertEqual(
            ["1 alias", "of 1 of 2 hosts", "of 1 of 2 hosts", "--nova-says FILE"],
            [each.detail for each in found],
        )
        nothing = sources(["compute1"], known(aliases=None).inputs, "files")
        self.assertEqual([False, False, False, True], [each.is_there for each in nothing])
