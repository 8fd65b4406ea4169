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

"""What the check of a destination's devices answers, with placement and without."""

from __future__ import annotations

import dataclasses
import datetime
import json

import os_traits
from nova import objects
from nova.pci import request, stats, whitelist

from tests.unit.nova_rules import configured, pci_device
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.host_scenario import OTHER, there
from tests.unit.preflight.scenario import (
    NOW,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    VF,
    candidate,
    conf,
    destination,
    facts,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.cloud.model import Candidates, Move
from vfio_lm.pci import parse_aliases
from vfio_lm.pci.host_facts import DeviceUser
from vfio_lm.preflight import Host, Inputs, Status
from vfio_lm.preflight.checks import devices
from vfio_lm.preflight.checks import devices as device_checks
from vfio_lm.preflight.facts import Occupants

REQUEST = "b4f1c8a2-0000-4000-8000-000000000001"


LIVE = {"live_migratable": "yes"}


def _novas_pools_serve(product, wanted):
    """Ask nova whether two VFs of a provider that placement has chosen serve a request."""
    device_filter = whitelist.Whitelist([json.dumps({"vendor_id": "8086", "resource_class": VF})])
    pools = stats.PciDeviceStats(None, dev_filter=device_filter)
    for number in (1, 2):
        pools.add_device(pci_device(vf(number, product_id=product).device))
    for pool in pools.pools:
        pool["rp_uuid"] = "provider"
    asked = objects.InstancePCIRequest(count=1, alias_name="vf", request_id=REQUEST, spec=[wanted])
    return pools.support_requests([asked], {f"{REQUEST}-0": ["provider"]})


class TestDestinationDevices(CheckTestCase):
    check = device_checks.destination_devices

    def offering(self, *providers, devices=1, requires_owner=True, **changes):
        return facts(
            devices=devices,
            requires_owner=requires_owner,
            destinations=(destination(providers=providers, **changes),),
        )

    def test_marked_devices_pass(self):
        self.assert_answers(Status.PASS)

    def test_nova_cannot_ask_placement_for_an_alias_of_several_kinds(self):
        texts = [
            json.dumps(SPEC_YES | {"name": "vf", "device_type": "type-VF", "product_id": product})
            for product in ("1515", "154c")
        ]
        with configured(aliases=texts):
            stored = request.get_pci_requests_from_flavor(
                objects.Flavor(extra_specs={"pci_passthrough:alias": "vf:1"})
            )
        spec = objects.RequestSpec(requested_resources=[], pci_requests=stored)
        with configured(pci_in_placement=True):
            self.assertRaises(ValueError, spec.generate_request_groups_from_pci_requests)
        known = facts(aliases=parse_aliases(texts), pci_in_placement=None)
        self.assert_answers(Status.UNKNOWN, known, saying="several kinds")

    def test_devices_of_the_class_have_to_be_all_else_that_the_alias_asks_for(self):
        wanted = {"vendor_id": "8086", "product_id": "1515", "resource_class": VF}
        spec = {"vendor_id": "8086", "resource_class": VF, "live_migratable": "yes"}

        def known(*products, devices=1):
            vfs = [vf(n, product_id=product) for n, product in enumerate(products, start=1)]
            there = knowledge("compute2", *vfs, specs=[spec])
            return facts(
                devices=devices,
                aliases=parse_aliases([json.dumps(wanted | {"name": "vf", **LIVE})]),
                hosts={"compute2": there},
                destinations=(destination(knowledge=there),),
            )

        self.assert_answers(Status.PASS, known("1515", "1515"))
        self.assert_answers(Status.FAIL, known("154c", "154c"), saying="other IDs")
        self.assert_answers(Status.UNKNOWN, known("1515", "154c"), saying="not all")
        self.assertEqual([True, False], [_novas_pools_serve(p, wanted) for p in ("1515", "154c")])

    def test_unmarked_devices_fail_from_nova_34_on(self):
        known = self.offering(pci_provider("compute2", 0, UNMARKED))
        self.assert_answers(
            Status.FAIL, known, saying="0 free (2 more free, but not declared live migratable)"
        )

    def test_before_nova_34_unmarked_devices_are_unknown(self):
        known = self.offering(pci_provider("compute2", 0, SILENT), requires_owner=False)
        self.assert_answers(Status.UNKNOWN, known)

    def test_before_nova_34_the_host_can_tell(self):
        told = Host(conf=scenario.conf(SPEC_YES))
        known = self.offering(pci_provider("compute2", 0, SILENT), knowledge=told)
        self.assert_answers(Status.PASS, known)

    def test_before_nova_34_the_trait_is_taken_at_its_word_with_a_warning(self):
        claimed = pci_provider("compute2", 0, SILENT | {os_traits.HW_PCI_LIVE_MIGRATABLE})
        known = self.offering(claimed, requires_owner=False)
        warning = self.assert_answers(Status.WARN, known, saying="compute2_0000:81:00.0")
        self.assertIn("--nova-conf compute2=FILE", warning.remedy)
        spec = SPEC_YES | {"traits": os_traits.HW_PCI_LIVE_MIGRATABLE}
        told = Host(conf=scenario.conf(spec))
        self.assert_answers(Status.PASS, self.offering(claimed, knowledge=told))

    def test_a_marked_device_among_unmarked_ones_passes(self):
        providers = (pci_provider("compute2", 0, UNMARKED), pci_provider("compute2", 1))
        self.assert_answers(Status.PASS, self.offering(*providers))

    def test_free_devices_of_two_pfs_add_up(self):
        one, two = pci_provider("compute2", 0, free=1), pci_provider("compute2", 1, free=2)
        spread = candidate("compute2", one, two, two)
        known = self.offering(one, two, devices=3, candidates=(spread,))
        self.assert_answers(Status.PASS, known)

    def test_a_candidate_is_as_good_as_its_worst_device(self):
        one, two = pci_provider("compute2", 0, free=1), pci_provider("compute2", 1, UNMARKED)
        known = self.offering(one, two, devices=2, candidates=(candidate("compute2", one, two),))
        self.assert_answers(Status.FAIL, known, saying="2 needed, 1 free")

    def test_a_full_host_was_not_looked_at(self):
        self.assert_answers(Status.UNKNOWN, self.offering(tree=None, candidates=()))

    def test_without_placement_nothing_is_known(self):
        self.assert_answers(Status.UNKNOWN, facts(source={"devices": ()}))
        self.assert_answers(Status.UNKNOWN, facts(pci_in_placement=False))

    def test_an_answer_cut_off_before_the_good_devices_is_unknown(self):
        one, two = pci_provider("compute2", 0, UNMARKED), pci_provider("compute2", 1)
        offered = (candidate("compute2", one),)
        known = self.offering(one, two, candidates=offered)
        known = dataclasses.replace(known, candidates=Candidates(offered, limit=1))
        self.assert_answers(Status.UNKNOWN, known, saying="cut off")


class TestDevicesOfTheHost(CheckTestCase):
    check = devices.destination_devices

    def test_a_free_device_that_fits_passes(self):
        self.assert_answers(Status.PASS, there(vf()), saying="vf: 1 needed, 1 free")

    def test_no_device_that_fits_fails(self):
        self.assert_answers(Status.FAIL, there(vf(), specs=[SPEC_UNTAGGED]), saying="0 free")
        held = there(vf(user=OTHER), occupants=Occupants({OTHER: 1}))
        self.assert_answers(Status.FAIL, held, saying="0 free")

    def test_a_user_that_nova_does_not_have_there_proves_nothing(self):
        self.assert_answers(Status.UNKNOWN, there(vf(user=OTHER)))
        process = dataclasses.replace(vf(), user=DeviceUser("testpmd"))
        self.assert_answers(Status.UNKNOWN, there(process))
        unseen = vf(unknown={"user": "/proc cannot be read"})
        self.assert_answers(Status.UNKNOWN, there(unseen))

    def test_a_server_whose_devices_the_facts_do_not_show(self):
        shut_off = there(vf(1), vf(2), occupants=Occupants({OTHER: 1}))
        self.assert_answers(Status.UNKNOWN, shut_off, saying=OTHER)

    def test_a_move_that_is_not_over(self):
        move = Move(OTHER, "resize", "finished", "compute2", "compute3")
        moving = there(vf(), occupants=Occupants({}, (move,)))
        outcome = self.assert_answers(Status.UNKNOWN, moving, saying="resize")
        self.assertIn(f"\n  openstack server resize confirm {OTHER}", outcome.remedy)

    def test_what_is_missing_is_named(self):
        for told, said in (
            (Host(), "nova.conf"),
            (Host(conf=conf(scenario.SPEC_YES)), "the facts of host compute2"),
        ):
            known = facts(
                destinations=(destination(knowledge=told),),
                source={"devices": ()},
                pci_in_placement=False,
                hosts={"compute2": told},
            )
            self.assert_answers(Status.UNKNOWN, known, saying=said)

    def test_age(self):
        old = there(vf(), taken_at=NOW - datetime.timedelta(minutes=61))
        self.assert_answers(Status.WARN, old, saying="1:01:00 old")
        future = there(vf(), taken_at=NOW + datetime.timedelta(minutes=5))
        self.assert_answers(Status.UNKNOWN, future, saying="in the future")

    def test_old_facts_do_not_tell_which_ports_were_plugged_since(self):
        specs = [scenario.SPEC_YES | {"physical_network": "physnet1"}]
        old = there(vf(), specs=specs, taken_at=NOW - datetime.timedelta(hours=2))
        self.assert_answers(Status.UNKNOWN, old)

    def test_a_scheduler_that_asks_placement_does_not_ask_the_hosts(self):
        known = there(vf())
        inputs = Inputs(now=NOW, aliases=known.aliases, pci_in_placement=True)
        changed = dataclasses.replace(known, inputs=inputs)
        self.assert_answers(Status.UNKNOWN, changed, saying="may ask placement")
