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

"""Each check of a destination alone: what it answers, and that it does not guess."""

from __future__ import annotations

import dataclasses
import json

import os_traits
from nova import objects
from nova.pci import request, stats, whitelist
from nova.virt.libvirt import utils as libvirt_utils

from tests.unit.nova_rules import configured, pci_device
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    SILENT,
    SPEC_YES,
    UNMARKED,
    VF,
    candidate,
    destination,
    facts,
    knowledge,
    node,
    pci_provider,
    service,
    tree,
    vf,
)
from vfio_lm.cloud.model import Candidates
from vfio_lm.cloud.model.candidate_query import nova_query, pci_group
from vfio_lm.pci import parse_aliases
from vfio_lm.preflight import HostKnowledge, Status
from vfio_lm.preflight.checks import destination as destination_checks
from vfio_lm.preflight.checks import devices as device_checks
from vfio_lm.preflight.checks import processor

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


class TestDestinationService(CheckTestCase):
    check = destination_checks.destination_service

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for wrong, said in (
            (service("compute2", is_enabled=False, disabled_reason="disk"), "disabled (disk)"),
            (service("compute2", is_up=False), "is down"),
            (service("compute2", is_up=False, is_forced_down=True), "forced down"),
        ):
            known = facts(destinations=(destination(service=wrong),))
            self.assert_answers(Status.FAIL, known, saying=said)

    def test_the_source_is_no_destination(self):
        known = facts(destinations=(destination("compute1"),), requested_host="compute1")
        self.assert_answers(Status.FAIL, known, saying="already on this host")


class TestDestinationHypervisor(CheckTestCase):
    check = destination_checks.destination_hypervisor

    def test_answers(self):
        self.assert_answers(Status.PASS)
        for changes, said in (
            ({"hypervisor_type": "VMware"}, "VMware"),
            ({"hypervisor_version": 8001000}, "older"),
        ):
            known = facts(destinations=(destination(node=node("compute2", **changes)),))
            self.assert_answers(Status.FAIL, known, saying=said)
        self.assert_answers(Status.UNKNOWN, facts(destinations=(destination(node=None),)))

    def test_a_qemu_too_old_for_live_migratable_devices_fails(self):
        old = node("compute2", hypervisor_version=8_002_001)
        known = facts(
            destinations=(destination(node=old),),
            source={"node": node("compute1", hypervisor_version=8_002_000)},
        )
        self.assert_answers(Status.FAIL, known, saying="8.2.2")
        plain = dataclasses.replace(known, alias_requests=())
        self.assert_answers(Status.PASS, plain)


class TestDestinationProcessor(CheckTestCase):
    check = processor.destination_processor

    def with_traits(self, here, there, **changes):
        """Facts of two hosts whose root providers have these traits."""
        whole = tree("compute2", pci_provider("compute2", 0))
        root = dataclasses.replace(whole.root, traits=whole.root.traits | there)
        whole = dataclasses.replace(whole, providers=whole.providers | {root.uuid: root})
        source = {"traits": frozenset(here), **changes.pop("source", {})}
        return facts(destinations=(destination(tree=whole),), source=source, **changes)

    def test_a_processor_that_can_do_less_is_unknown(self):
        old = libvirt_utils.cpu_features_to_traits({"avx2"})
        new = libvirt_utils.cpu_features_to_traits({"avx2", "avx512f"})
        less = {trait for trait, has_it in old.items() if has_it}
        more = {trait for trait, has_it in new.items() if has_it}
        outcome = self.assert_answers(
            Status.UNKNOWN, self.with_traits(more, less), saying="HW_CPU_X86_AVX512F"
        )
        self.assertIn("cpu_models = MODEL", outcome.remedy)
        self.assert_answers(Status.PASS, self.with_traits(less, more))
        self.assert_answers(
            Status.UNKNOWN,
            self.with_traits({"HW_ARCH_X86_64"}, {"HW_ARCH_AARCH64"}),
            saying="HW_ARCH_X86_64",
        )

    def test_what_is_no_matter_of_guests_or_not_told_is_no_lack(self):
        here = {"HW_CPU_X86_AVX2", "HW_CPU_HYPERTHREADING", "HW_CPU_X86_AMD_SEV_ES"}
        self.assert_answers(Status.PASS, self.with_traits(here, {"HW_CPU_X86_AVX2"}))
        self.assert_answers(Status.PASS, self.with_traits(here, set()))
        self.assert_answers(Status.PASS, self.with_traits(set(), {"HW_CPU_X86_AVX2"}))


class TestDestinationCapacity(CheckTestCase):
    check = destination_checks.destination_capacity

    def without_candidates(self, *providers, **changes):
        told = {key: changes.pop(key) for key in ("pci_in_placement",) if key in changes}
        known = facts(destinations=(destination(providers=providers, candidates=()),), **told)
        return dataclasses.replace(known, **changes)

    def test_a_candidate_is_what_counts(self):
        self.assert_answers(Status.PASS)

    def test_the_reason_is_explained(self):
        known = self.without_candidates(pci_provider("compute2", 0, free=0))
        self.assert_answers(Status.FAIL, known, saying=f"{VF}: 1 needed, 0 free")

    def test_a_full_host_has_no_tree(self):
        known = facts(destinations=(destination(tree=None, candidates=()),))
        self.assert_answers(Status.FAIL, known, saying="no memory is free")

    def test_missing_traits_and_disabled_hosts_are_named(self):
        full = tree("compute2", pci_provider("compute2", 0), free_vcpus=0)
        root = dataclasses.replace(full.root, traits=frozenset({os_traits.COMPUTE_STATUS_DISABLED}))
        full = dataclasses.replace(full, providers=full.providers | {root.uuid: root})
        known = facts(destinations=(destination(tree=full, candidates=()),))
        groups = [pci_group(0, VF, frozenset())]
        wanted = {"trait:CUSTOM_FAST": "required"}
        known = dataclasses.replace(
            known, query=nova_query(wanted, scenario.PLAIN, groups, requires_owner=True)
        )
        outcome = self.assert_answers(Status.FAIL, known, saying="VCPU: 1 needed, 0 free")
        for trait in ("OWNER_NOVA", "COMPUTE_STATUS_DISABLED", "CUSTOM_FAST"):
            self.assertIn(trait, outcome.message)
        self.assertIn("systemctl restart nova-compute", outcome.remedy)

    def test_a_trait_that_only_the_flavor_asks_for_takes_another_flavor(self):
        full = tree("compute2", pci_provider("compute2", 0))
        query = nova_query(
            {"trait:CUSTOM_FAST": "required"}, scenario.PLAIN, (), requires_owner=True
        )
        known = facts(destinations=(destination(tree=full, candidates=()),), query=query)
        outcome = self.assert_answers(Status.FAIL, known, saying="CUSTOM_FAST")
        self.assertIn("openstack server resize", outcome.remedy)

    def test_an_answer_that_was_cut_off_proves_nothing(self):
        others = tuple(candidate("compute3") for _ in range(2))
        known = self.without_candidates(candidates=Candidates(others, limit=2))
        self.assert_answers(Status.UNKNOWN, known, saying="without this host")

    def test_a_host_that_reports_no_devices_may_still_have_some(self):
        self.assert_answers(Status.UNKNOWN, self.without_candidates(pci_in_placement=None))
        self.assert_answers(Status.FAIL, self.without_candidates(pci_in_placement=True))

    def test_the_scheduler_may_ignore_the_traits_of_an_alias(self):
        query = nova_query(
            {}, scenario.PLAIN, [pci_group(0, VF, frozenset({"CUSTOM_X"}))], requires_owner=True
        )
        free = pci_provider("compute2", 0)
        known = self.without_candidates(free, query=query, pci_in_placement=None)
        self.assert_answers(Status.UNKNOWN, known)
        known = self.without_candidates(free, query=query, pci_in_placement=True)
        self.assert_answers(Status.FAIL, known, saying="1 needed, 0 free")


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
        told = HostKnowledge(conf=scenario.conf(SPEC_YES))
        known = self.offering(pci_provider("compute2", 0, SILENT), knowledge=told)
        self.assert_answers(Status.PASS, known)

    def test_before_nova_34_the_trait_is_taken_at_its_word_with_a_warning(self):
        claimed = pci_provider("compute2", 0, SILENT | {os_traits.HW_PCI_LIVE_MIGRATABLE})
        known = self.offering(claimed, requires_owner=False)
        warning = self.assert_answers(Status.WARN, known, saying="compute2_0000:81:00.0")
        self.assertIn("--nova-conf compute2=FILE", warning.remedy)
        spec = SPEC_YES | {"traits": os_traits.HW_PCI_LIVE_MIGRATABLE}
        told = HostKnowledge(conf=scenario.conf(spec))
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
