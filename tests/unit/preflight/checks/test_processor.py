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

"""What the check of a destination's processor answers."""

from __future__ import annotations

import dataclasses

from nova.virt.libvirt import utils as libvirt_utils

from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    destination,
    facts,
    pci_provider,
    tree,
)
from vfio_lm.preflight import Status
from vfio_lm.preflight.checks import processor


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
