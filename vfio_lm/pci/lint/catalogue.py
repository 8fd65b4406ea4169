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

"""All rules of the linter in one table; how each of them works is in the modules named here."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator

from vfio_lm.pci.lint import (
    alias_rules,
    cloud_rules,
    device_spec_rules,
    file_rules,
    spec_pair_rules,
    trait_rules,
)
from vfio_lm.pci.lint.configurations import CloudView
from vfio_lm.pci.lint.hit import Hit


class Severity(enum.Enum):
    """How bad it is, the worst first."""

    ERROR = "error"
    """Nova refuses to start or to do it, or what is asked for can never work."""
    WARNING = "warning"
    """Nova accepts it, and it probably does not do what was meant."""
    INFO = "info"
    """Good to know."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule of the linter."""

    id: str
    severity: Severity
    check: Callable[[CloudView], Iterator[Hit]]


_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

RULES = (
    Rule("file-unreadable", _ERROR, file_rules.unreadable_files),
    Rule("value-not-boolean", _ERROR, file_rules.values_that_are_no_boolean),
    Rule("value-not-object", _ERROR, file_rules.values_that_are_no_object),
    Rule("key-repeated", _WARNING, file_rules.repeated_keys),
    Rule("option-misspelt", _WARNING, file_rules.misspelt_options),
    Rule("option-wrong-section", _WARNING, file_rules.options_in_a_wrong_section),
    Rule("option-old-name", _INFO, file_rules.old_names),
    Rule("alias-unknown-key", _ERROR, alias_rules.unknown_keys),
    Rule("alias-wrong-value", _ERROR, alias_rules.wrong_values),
    Rule("alias-no-ids", _ERROR, alias_rules.missing_identifiers),
    Rule("alias-contradiction", _ERROR, alias_rules.contradicting_definitions),
    Rule("alias-mixed", _WARNING, alias_rules.mixed_live_migratable),
    Rule("alias-name-unusable", _WARNING, alias_rules.unusable_names),
    Rule("alias-capability-type", _ERROR, alias_rules.capability_types),
    Rule("alias-id-upper-case", _INFO, alias_rules.upper_case_identifiers),
    Rule("alias-needs-placement", _WARNING, alias_rules.fields_without_placement),
    Rule("alias-missing-trait", _WARNING, alias_rules.missing_trait),
    Rule("alias-trait-without-yes", _WARNING, alias_rules.trait_without_yes),
    Rule("alias-differs", _ERROR, alias_rules.differing_definitions),
    Rule("alias-missing", _WARNING, alias_rules.missing_definitions),
    Rule("alias-without-device", _WARNING, cloud_rules.aliases_without_device),
    Rule("trait-negated", _ERROR, trait_rules.negated_traits),
    Rule("trait-blank", _WARNING, trait_rules.blanks_in_traits),
    Rule("trait-misspelt", _WARNING, trait_rules.misspelt_traits),
    Rule("spec-refused", _ERROR, device_spec_rules.refused_specs),
    Rule("spec-devname-in-placement", _ERROR, device_spec_rules.devnames_in_placement),
    Rule("spec-tag-not-text", _ERROR, device_spec_rules.tags_that_are_no_text),
    Rule("spec-vfs-disagree", _WARNING, spec_pair_rules.disagreeing_vfs),
    Rule("spec-key-misspelt", _WARNING, device_spec_rules.misspelt_keys),
    Rule("spec-key-unknown", _INFO, device_spec_rules.unknown_keys),
    Rule("spec-address-key", _WARNING, device_spec_rules.unknown_address_keys),
    Rule("spec-id-short", _WARNING, device_spec_rules.short_identifiers),
    Rule("spec-id-upper-case", _INFO, device_spec_rules.upper_case_identifiers),
    Rule("spec-every-device", _WARNING, device_spec_rules.every_device),
    Rule("spec-shadowed", _WARNING, spec_pair_rules.shadowed_specs),
    Rule("spec-live-migratable-physnet", _WARNING, device_spec_rules.live_migratable_for_neutron),
    Rule("spec-missing-trait", _WARNING, device_spec_rules.missing_trait),
    Rule("spec-trait-without-yes", _WARNING, device_spec_rules.trait_without_yes),
    Rule("post-copy-permitted", _ERROR, device_spec_rules.post_copy),
    Rule("hypervisor-versions", _INFO, device_spec_rules.hypervisor_versions),
    Rule("placement-not-reported", _WARNING, cloud_rules.unreported_devices),
    Rule("placement-not-used", _INFO, cloud_rules.unused_reports),
    Rule("placement-differs", _WARNING, cloud_rules.differing_placement),
)
