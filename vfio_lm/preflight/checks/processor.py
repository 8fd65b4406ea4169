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

"""The check of the processor that a destination gives to guests, by the traits of both hosts."""

from __future__ import annotations

from vfio_lm.preflight.check import Outcome, Refuser, destination_check, passed, unknown
from vfio_lm.preflight.facts import Destination, Facts
from vfio_lm.preflight.wording.remedy import paste, steps

_OF_PROCESSORS = ("HW_ARCH_", "HW_CPU_")
_OF_THE_HOST_ALONE = (
    "HW_CPU_AMD_SEV",
    "HW_CPU_HYPERTHREADING",
    "HW_CPU_X86_AMD_SEV",
    "HW_CPU_X86_INTEL_TDX",
)


def _processor_traits(traits: frozenset[str]) -> frozenset[str]:
    """Return those of a host's traits that show what the processors of its guests can do.

    By ``[libvirt]cpu_mode`` and ``cpu_models``: where a model is configured, its own, whatever
    the host's processor can do besides.

    Source: ``_get_cpu_feature_traits`` in ``nova/virt/libvirt/driver.py`` (nova 34.0.0).
    """
    return frozenset(
        trait
        for trait in traits
        if trait.startswith(_OF_PROCESSORS) and not trait.startswith(_OF_THE_HOST_ALONE)
    )


@destination_check(
    "destination-processor",
    "Can the processors of guests there do what those of the source's can?",
    refused_by=Refuser.COMPUTE,
    depends_on=lambda facts: facts.memo.of(_processor_traits, facts.source.traits),
)
def destination_processor(facts: Facts, destination: Destination) -> Outcome:
    """See what may stop ``_compare_cpu``.

    No API shows which processor a guest was started with; the traits of the hosts show the one that
    a guest started now would have. A host without such traits is not taken to lack anything.

    Source: ``check_can_live_migrate_destination`` in ``nova/virt/libvirt/driver.py`` (nova 34.0.0).
    """
    root = destination.tree.root if destination.tree else None
    # The same hosts are looked at for each server, and a host has about a hundred traits.
    there = facts.memo.of(_processor_traits, root.traits) if root else frozenset()
    here = facts.memo.of(_processor_traits, facts.source.traits)
    lacking = sorted(here - there) if there else []
    if lacking:
        return unknown(
            f"guests there have no processor with {', '.join(lacking)}, guests of the source may; "
            f"nova-compute refuses a guest whose processor can do more than its own",
            settled_by=_same_processor(destination.host),
            lacking=lacking,
        )
    return passed("CPU traits show no difference")


def _same_processor(host: str) -> str:
    return steps(
        paste(
            f"in [libvirt] of nova.conf on the source and on {host}, with a model that both have",
            "cpu_mode = custom",
            "cpu_models = MODEL",
        ),
        "restart nova-compute on both",
        paste(
            "and restart the server, as SERVER, to give it this processor",
            "openstack server reboot --hard SERVER",
        ),
        paste(
            "or try it: where the destination's processor does not do, nova-compute says so before "
            "anything moves, and the server stays as it is",
            f"openstack server migrate --live-migration --wait --host {host} SERVER",
        ),
    )
