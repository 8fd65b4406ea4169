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

"""``openstack vfio flavor set|unset``: other devices for a flavor that exists."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from osc_vfio_lm import command, inputs
from osc_vfio_lm.flavor import options

if TYPE_CHECKING:
    from vfio_lm.cloud.model import CloudFlavor
    from vfio_lm.cloud.nova import ComputeClient

_EXIT_STATUSES = ((0, "the flavor is as it was to be, or with --dry-run could be"),)


class SetFlavor(command.Command):
    _description = """\
Change which PCI devices a flavor asks for

What a server asked for is stored with it: a flavor that servers run on is not changed, unless
--force is given. Setting what is set already changes nothing."""

    exit_statuses = _EXIT_STATUSES

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to modify (name or ID)")
        parser.add_argument(
            "--no-alias",
            action="store_true",
            help="Remove all aliases from this flavor (specify both --no-alias and --alias to "
            "remove the current aliases before setting new ones)",
        )
        options.add_aliases(parser)
        options.add_policies(parser)
        options.add_change(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.inventory.flavor import current_counts, desired_specs, parse_counts

        wanted = parse_counts(parsed_args.aliases)
        aliases = inputs.read_aliases(parsed_args)
        if wanted and aliases is None:
            self.log.warning(options.UNCHECKED)
        flavor = _nova(self).flavor(parsed_args.flavor)
        before = flavor.flavor.extra_specs
        counts = {} if parsed_args.no_alias else current_counts(before)
        after = desired_specs(
            before,
            counts | wanted,
            group_policy=parsed_args.group_policy,
            host_trait=parsed_args.host_trait,
            aliases=aliases,
        )
        _change(self, parsed_args, flavor, after)


class UnsetFlavor(command.Command):
    _description = """\
Remove PCI devices from a flavor

What a server asked for is stored with it: a flavor that servers run on is not changed, unless
--force is given. Removing what is not there changes nothing."""

    exit_statuses = _EXIT_STATUSES

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("flavor", metavar="<flavor>", help="Flavor to modify (name or ID)")
        parser.add_argument(
            "--alias",
            metavar="<name>",
            action="append",
            default=[],
            dest="aliases",
            help="Alias to remove from flavor (repeat option to remove multiple aliases)",
        )
        parser.add_argument(
            "--group-policy", action="store_true", help="Remove the group policy from flavor"
        )
        parser.add_argument(
            "--host-trait",
            action="store_true",
            help="Do not require or forbid hosts with HW_PCI_LIVE_MIGRATABLE any longer",
        )
        options.add_change(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.inventory.flavor import without

        flavor = _nova(self).flavor(parsed_args.flavor)
        after = without(
            flavor.flavor.extra_specs,
            parsed_args.aliases,
            group_policy=parsed_args.group_policy,
            host_trait=parsed_args.host_trait,
        )
        _change(self, parsed_args, flavor, after)


def _nova(this: command.Command) -> ComputeClient:
    from vfio_lm.cloud.nova import ComputeClient

    return ComputeClient.of(this.app.client_manager.sdk_connection)


def _change(
    this: command.Command,
    parsed_args: argparse.Namespace,
    flavor: CloudFlavor,
    after: Mapping[str, str],
) -> None:
    """Change a flavor's extra specs, or only say how."""
    from vfio_lm.inventory.flavor import change, keeps_host_trait, refuse_while_in_use
    from vfio_lm.inventory.write_flavor import apply_change

    wanted = change(flavor.flavor.extra_specs, after)
    if wanted.is_about_devices and not parsed_args.force:
        refuse_while_in_use(flavor, _nova(this).servers())
    if keeps_host_trait(wanted, after):
        this.log.warning(
            "flavor %s still asks for hosts by the trait that its aliases needed before",
            flavor.name,
        )
    if not parsed_args.dry_run:
        apply_change(_nova(this), flavor, wanted)
        return
    this.write(f"set {key}={value}" for key, value in sorted(wanted.set.items()))
    this.write(f"unset {key}" for key in wanted.unset)
