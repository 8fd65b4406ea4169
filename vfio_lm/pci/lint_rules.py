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

from vfio_lm.pci import (
    lint_alias,
    lint_cloud,
    lint_device_spec,
    lint_files,
    lint_traits,
)
from vfio_lm.pci.lint_hit import Hit
from vfio_lm.pci.lint_view import CloudView


class Severity(enum.Enum):
    """How bad it is, the worst first."""

    ERROR = "error"
    """Nova refuses to start or to do it, or what is asked for can never work."""
    WARNING = "warning"
    """Nova accepts it, and it probably does not do what was meant."""
    INFO = "info"
    """Good to know."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the linter."""

    id: str
    severity: Severity
    check: Callable[[CloudView], Iterator[Hit]]


_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

RULES = (
    Rule("file-unreadable", _ERROR, lint_files.unreadable_files),
    Rule("value-not-boolean", _ERROR, lint_files.values_that_are_no_boolean),
    Rule("value-not-object", _ERROR, lint_files.values_that_are_no_object),
    Rule("key-repeated", _WARNING, lint_files.repeated_keys),
    Rule("option-misspelt", _WARNING, lint_files.misspelt_options),
    Rule("option-wrong-section", _WARNING, lint_files.options_in_a_wrong_section),
    Rule("option-old-name", _INFO, lint_files.old_names),
    Rule("alias-unknown-key", _ERROR, lint_alias.unknown_keys),
    Rule("alias-wrong-value", _ERROR, lint_alias.wrong_values),
    Rule("alias-no-ids", _ERROR, lint_alias.missing_identifiers),
    Rule("alias-contradiction", _ERROR, lint_alias.contradicting_definitions),
    Rule("alias-mixed", _WARNING, lint_alias.mixed_live_migratable),
    Rule("alias-name-unusable", _WARNING, lint_alias.unusable_names),
    Rule("alias-capability-type", _ERROR, lint_alias.capability_types),
    Rule("alias-id-upper-case", _INFO, lint_alias.upper_case_identifiers),
    Rule("alias-needs-placement", _WARNING, lint_alias.fields_without_placement),
    Rule("alias-missing-trait", _WARNING, lint_alias.missing_trait),
    Rule("alias-trait-without-yes", _WARNING, lint_alias.trait_without_yes),
    Rule("alias-differs", _ERROR, lint_alias.differing_definitions),
    Rule("alias-missing", _WARNING, lint_alias.missing_definitions),
    Rule("alias-without-device", _WARNING, lint_cloud.aliases_without_device),
    Rule("trait-negated", _ERROR, lint_traits.negated_traits),
    Rule("trait-blank", _WARNING, lint_traits.blanks_in_traits),
    Rule("trait-misspelt", _WARNING, lint_traits.misspelt_traits),
    Rule("spec-refused", _ERROR, lint_device_spec.refused_specs),
    Rule("spec-devname-in-placement", _ERROR, lint_device_spec.devnames_in_placement),
    Rule("spec-tag-not-text", _ERROR, lint_device_spec.tags_that_are_no_text),
    Rule("spec-vfs-disagree", _WARNING, lint_device_spec.disagreeing_vfs),
    Rule("spec-key-misspelt", _WARNING, lint_device_spec.misspelt_keys),
    Rule("spec-key-unknown", _INFO, lint_device_spec.unknown_keys),
    Rule("spec-address-key", _WARNING, lint_device_spec.unknown_address_keys),
    Rule("spec-id-short", _WARNING, lint_device_spec.short_identifiers),
    Rule("spec-id-upper-case", _INFO, lint_device_spec.upper_case_identifiers),
    Rule("spec-every-device", _WARNING, lint_device_spec.every_device),
    Rule("spec-shadowed", _WARNING, lint_device_spec.shadowed_specs),
    Rule("spec-live-migratable-physnet", _WARNING, lint_device_spec.live_migratable_for_neutron),
    Rule("spec-missing-trait", _WARNING, lint_device_spec.missing_trait),
    Rule("spec-trait-without-yes", _WARNING, lint_device_spec.trait_without_yes),
    Rule("post-copy-permitted", _ERROR, lint_device_spec.post_copy),
    Rule("hypervisor-versions", _INFO, lint_device_spec.hypervisor_versions),
    Rule("placement-not-reported", _WARNING, lint_cloud.unreported_devices),
    Rule("placement-not-used", _INFO, lint_cloud.unused_reports),
    Rule("placement-differs", _WARNING, lint_cloud.differing_placement),
)
