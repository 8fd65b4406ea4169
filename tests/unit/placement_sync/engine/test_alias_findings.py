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

"""Aliases that no host satisfies, or for which placement offers too much."""

from placement_sync.engine.finding import Kind
from placement_sync.engine.planning import Aliases
from tests.unit.placement_sync.cases import FindingsTestCase
from tests.unit.placement_sync.fleet import (
    ALIAS_YES,
    CLASS,
    LIVE,
    MANAGED,
    NO,
    OWNER,
    UNTAGGED,
    YES,
    facts,
    host,
    of_nova,
    provider,
    root,
    vf,
)
from vfio_lm.pci import PciAddress, parse_aliases


class TestAliasFindings(FindingsTestCase):
    def test_an_alias_that_no_host_satisfies(self):
        for spec, is_satisfied in ((YES, True), (UNTAGGED, False), (NO, False)):
            config = host("compute1", spec, aliases=[ALIAS_YES])
            plan = self.plan([config], root(), aliases=self.aliases(config))
            self.assertEqual(not is_satisfied, bool(plan.findings), spec)
        self.assertEqual([Kind.ALIAS_WITHOUT_PROVIDER], [found.kind for found in plan.findings])

    def test_two_products_of_one_host(self):
        first = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "yes"}
        config = host("compute1", first, YES, aliases=[ALIAS_YES])
        for classes in ((), (CLASS,)):
            tree = (
                root("compute1", LIVE),
                provider(
                    "compute1_0000:81:00.0", "compute1", MANAGED, OWNER, LIVE, classes=classes
                ),
            )
            plan = self.plan([config], *tree, aliases=self.aliases(config))
            kinds = {found.kind for found in plan.findings}
            self.assertNotIn(Kind.ALIAS_WITHOUT_PROVIDER, kinds, classes)

    def test_devices_that_cannot_migrate_do_not_satisfy_it(self):
        devices = facts(vf(driver="vfio-pci", parent_address=PciAddress(0, 1, 0, 0)))
        config = host("compute1", YES, facts=devices, aliases=[ALIAS_YES])
        plan = self.plan([config], root(), aliases=self.aliases(config))
        self.assertIn(Kind.ALIAS_WITHOUT_PROVIDER, {found.kind for found in plan.findings})

    def test_an_alias_by_resource_class(self):
        config = host("compute1", YES | {"resource_class": "gpu"})
        for name, count in (("CUSTOM_GPU", 0), ("CUSTOM_NIC", 1)):
            text = f'{{"name": "a", "resource_class": "{name}", "live_migratable": "yes"}}'
            aliases = Aliases(parse_aliases([text], pci_in_placement=True), is_whole_cloud=True)
            self.assertEqual(count, len(self.plan([config], root(), aliases=aliases).findings))

    def test_the_line_with_the_trait_is_ready_to_paste(self):
        config = host("compute1", YES, aliases=[ALIAS_YES | {"traits": "CUSTOM_FAST"}])
        found = self.finding(
            Kind.ALIAS_WITHOUT_TRAIT, [config], root("compute1", LIVE), of_nova(LIVE),
            aliases=self.aliases(config),
        )  # fmt: skip
        self.assertIn(f'"traits": "CUSTOM_FAST,{LIVE}"}}', found.remedy)
        self.assertFalse(found.kind.is_drift)

    def test_another_product_is_no_device_for_it(self):
        config = host("compute1", YES | {"product_id": "1019"}, aliases=[ALIAS_YES])
        self.finding(Kind.ALIAS_WITHOUT_PROVIDER, [config], root(), aliases=self.aliases(config))
        upper = host("compute1", YES, aliases=[ALIAS_YES | {"vendor_id": "15B3"}])
        self.assertEqual((), self.plan([upper], root(), aliases=self.aliases(upper)).findings)

    def test_no_trait_is_advised_for_an_alias_of_several_definitions(self):
        both = [ALIAS_YES, ALIAS_YES | {"product_id": "1019"}]
        config = host("compute1", YES, aliases=both)
        tree = root("compute1", LIVE), of_nova(LIVE)
        self.assertEqual((), self.plan([config], *tree, aliases=self.aliases(config)).findings)

    def test_no_trait_is_advised_where_no_provider_of_nova_carries_it(self):
        config = host("compute1", YES, aliases=[ALIAS_YES])
        aliases = self.aliases(config)
        self.assertEqual((), self.plan([config], root("compute1", LIVE), aliases=aliases).findings)
