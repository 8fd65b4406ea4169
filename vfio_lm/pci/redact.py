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

"""What of a nova.conf may be shown to others; it is listed here, and all else is left out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from vfio_lm.pci.conf_text import ConfText, Setting

# What bears on live migration and holds no secret (nova/conf/*.py, nova 34.0.0). A URI may hold a
# password, so none is listed: what is not known to be harmless is not shown.
_SHOWN = re.compile(
    r"""\[pci\].*
    |\[filter_scheduler\](pci_in_placement|enabled_filters|host_subset_size)
    |\[scheduler\](max_attempts|max_placement_results|query_placement_for_[a-z_]+)
    |\[compute\](max_concurrent_live_migrations|resource_provider_association_refresh|cpu_[a-z_]+)
    |\[libvirt\]live_migration_(?!uri|inbound_addr|scheme)[a-z_]+
    |\[libvirt\](virt_type|cpu_mode|cpu_models|images_type|num_pcie_ports)
    |\[DEFAULT\](host|max_concurrent_live_migrations|pci_alias|pci_passthrough_whitelist)
    """,
    re.VERBOSE,
)


def redacted(conf: ConfText) -> str:
    """Return those options of a configuration that may be shown, as a file that nova could read.

    What was left out is counted, not named. A line that nova could not read is not shown, as it
    may hold a password.
    """
    lines: list[str] = []
    for file, settings in itertools.groupby(conf.settings, lambda setting: setting.file):
        known = list(settings)
        shown = [setting for setting in known if _SHOWN.fullmatch(setting.name)]
        lines += [f"# {file}: {len(known) - len(shown)} other options are left out"]
        lines += _sections(shown)
    lines += [f"# {each.file}:{each.line}: {each.reason}" for each in conf.problems]
    return "".join(f"{line}\n" for line in lines)


def _sections(settings: Iterable[Setting]) -> Iterable[str]:
    for section, members in itertools.groupby(settings, lambda setting: setting.section):
        yield f"[{section}]"
        yield from (setting.text for setting in members)
