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

"""Options of the commands that change flavors."""

from __future__ import annotations

import argparse

from osc_vfio_lm import inputs

_GROUP_POLICIES = ("none", "isolate")

UNCHECKED = "without a nova.conf (--nova-conf) it is not checked whether the aliases are defined"


def add_aliases(parser: argparse.ArgumentParser, is_required: bool = False) -> None:
    """Add --alias."""
    parser.add_argument(
        "--alias",
        metavar="<name>[:<count>]",
        action="append",
        default=[],
        required=is_required,
        dest="aliases",
        help="Alias of [pci]alias to ask for, and how many devices of it (default: 1) "
        "(repeat option to ask for devices of multiple aliases)",
    )


def add_policies(parser: argparse.ArgumentParser) -> None:
    """Add --group-policy, --host-trait and --nova-conf."""
    parser.add_argument(
        "--group-policy",
        choices=_GROUP_POLICIES,
        help="Whether all devices must come from different providers (isolate) or need not (none)",
    )
    parser.add_argument(
        "--host-trait",
        action="store_true",
        help="Require hosts with the trait HW_PCI_LIVE_MIGRATABLE for aliases that say yes, and "
        "forbid them for aliases that say no. Only right where an agent keeps this trait on the "
        "root provider of each host: elsewhere no host is left (needs --nova-conf)",
    )
    inputs.add_api_conf(parser)


def add_dry_run(parser: argparse.ArgumentParser, text: str) -> None:
    """Add --dry-run."""
    parser.add_argument("--dry-run", action="store_true", help=text)


def add_change(parser: argparse.ArgumentParser) -> None:
    """Add --force and --dry-run."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="Change the devices although servers run on the flavor; these keep what they have",
    )
    add_dry_run(parser, "Print what would be changed, and change nothing")
