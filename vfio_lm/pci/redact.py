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

"""What of a nova.conf may be shown to others; it is listed here, and all else is left out.

A broken file puts passwords where they do not belong: below a section header that was commented
out, or on a line that begins with a blank. So the name alone does not let a value be shown: it has
to be what nova takes for that option, too.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping

from oslo_config import types

from vfio_lm.errors import VfioLmError
from vfio_lm.pci.alias import parse_aliases
from vfio_lm.pci.conf_text import ALIAS, DEVICE_SPEC, ConfText, Setting
from vfio_lm.pci.device_spec import TAGS, parse_device_specs
from vfio_lm.quoting import names_secret

_BOOLEAN = types.Boolean()
_NUMBER = types.Integer()
_WORDS = types.List(types.String(regex=r"\A[A-Za-z0-9_.-]+\Z"))
_PROCESSORS = types.String(regex=r"\A[0-9,^\s-]+\Z")

_OBJECT = re.compile(r"\{.*\}|\[.*\]")
"""What was meant as an object or a list, in one line."""


def _word_of(*choices: str) -> types.String:
    return types.String(choices=list(choices))


def _alias(value: str) -> None:
    parse_aliases([value], pci_in_placement=True)


def _device_specs(value: str) -> None:
    for spec in parse_device_specs([value], report_in_placement=True):
        if not spec.tags.keys() <= set(TAGS):
            raise ValueError("nova keeps other tags and gives them no meaning")


# What bears on live migration (nova/conf/*.py, nova 34.0.0), each with what raises ValueError or
# VfioLmError for what nova would refuse. No URI and no path is in it: they may hold a password.
_SHOWN: Mapping[str, Callable[[str], object]] = {
    "[DEFAULT]host": types.HostDomain(),
    "[DEFAULT]max_concurrent_live_migrations": _NUMBER,
    ALIAS: _alias,
    DEVICE_SPEC: _device_specs,
    "[pci]report_in_placement": _BOOLEAN,
    "[filter_scheduler]enabled_filters": _WORDS,
    "[filter_scheduler]host_subset_size": _NUMBER,
    "[filter_scheduler]pci_in_placement": _BOOLEAN,
    "[scheduler]max_attempts": _NUMBER,
    "[scheduler]max_placement_results": _NUMBER,
    "[scheduler]query_placement_for_image_type_support": _BOOLEAN,
    "[scheduler]query_placement_for_routed_network_aggregates": _BOOLEAN,
    "[compute]cpu_dedicated_set": _PROCESSORS,
    "[compute]cpu_shared_set": _PROCESSORS,
    "[compute]live_migration_wait_for_vif_plug": _BOOLEAN,
    "[compute]resource_provider_association_refresh": _NUMBER,
    "[libvirt]cpu_mode": _word_of("host-model", "host-passthrough", "custom", "none"),
    "[libvirt]cpu_models": _WORDS,
    "[libvirt]images_type": _word_of("raw", "flat", "qcow2", "lvm", "rbd", "ploop", "default"),
    "[libvirt]live_migration_bandwidth": _NUMBER,
    "[libvirt]live_migration_completion_timeout": _NUMBER,
    "[libvirt]live_migration_downtime": _NUMBER,
    "[libvirt]live_migration_downtime_delay": _NUMBER,
    "[libvirt]live_migration_downtime_steps": _NUMBER,
    "[libvirt]live_migration_monitor_interval": _NUMBER,
    "[libvirt]live_migration_parallel_connections": _NUMBER,
    "[libvirt]live_migration_permit_auto_converge": _BOOLEAN,
    "[libvirt]live_migration_permit_post_copy": _BOOLEAN,
    "[libvirt]live_migration_timeout_action": _word_of("abort", "force_complete"),
    "[libvirt]live_migration_tunnelled": _BOOLEAN,
    "[libvirt]live_migration_with_native_tls": _BOOLEAN,
    "[libvirt]num_pcie_ports": _NUMBER,
    "[libvirt]virt_type": _word_of("kvm", "lxc", "qemu", "parallels"),
    "[workarounds]skip_cpu_compare_on_dest": _BOOLEAN,
    "[workarounds]skip_hypervisor_version_check_on_lm": _BOOLEAN,
}


def redacted(conf: ConfText) -> str:
    """Return those options of a configuration that may be shown, as a file that nova could read.

    What was left out is counted, not named. A line that nova could not read is not shown, as it
    may hold a password, and neither is the value of an option that nova would refuse.
    """
    lines: list[str] = []
    for file, settings in itertools.groupby(conf.settings, lambda setting: setting.file):
        known = list(settings)
        listed = [setting for setting in known if setting.option in _SHOWN]
        lines += [f"# {file}: {len(known) - len(listed)} other options are left out"]
        for section, members in itertools.groupby(listed, lambda setting: setting.section):
            lines += [f"[{section}]", *map(_shown, members)]
    lines += [f"# {each.file}:{each.line}: {each.reason}" for each in conf.problems]
    return "".join(f"{line}\n" for line in lines)


def is_listed(setting: Setting) -> bool:
    """Whether an option is known to hold no secret, if its value is what it should be."""
    return setting.option in _SHOWN


def may_be_shown(setting: Setting) -> bool:
    """Whether an option is listed, and its value is what nova takes for it."""
    is_taken = _SHOWN.get(setting.option)
    if is_taken is None or names_secret(setting.value):
        return False
    try:
        is_taken(setting.value)
    except (ValueError, VfioLmError):
        return False
    return True


def is_well_formed(setting: Setting) -> bool:
    """Whether an option may be shown to who mends it, though nova may refuse its value."""
    if setting.option not in (ALIAS, DEVICE_SPEC) or names_secret(setting.value):
        return may_be_shown(setting)
    if _OBJECT.fullmatch(setting.value):
        return True  # a comma too many, or Python's quotes
    try:
        return isinstance(json.loads(setting.value), dict | list)
    except (ValueError, RecursionError):
        return False


def _shown(setting: Setting) -> str:
    if may_be_shown(setting):
        return setting.text
    return (
        f"# {setting.file}:{setting.line}: {setting.name} is not shown: nova would refuse its "
        f"value, or it may hold a password"
    )
