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

"""``openstack vfio flavor create``: a flavor that asks for PCI devices by alias."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_lib import exceptions
from osc_lib.cli import parseractions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.flavor import options
from osc_vfio_lm.flavor.listing import shown
from osc_vfio_lm.projects import project_id


class CreateFlavor(command.ShowOne):
    _description = """\
Create a flavor that asks for PCI devices by alias

Everything else is as with 'openstack flavor create'. With --nova-conf the aliases must be
defined there."""

    exit_statuses = ((0, "the flavor is created, or with --dry-run could be"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<flavor-name>", help="New flavor name")
        parser.add_argument("--id", metavar="<id>", help="Unique flavor ID")
        _add_size(parser)
        _add_access(parser)
        parser.add_argument(
            "--property",
            metavar="<key=value>",
            action=parseractions.KeyValueAction,
            dest="properties",
            default={},
            help="Property to add for this flavor (repeat option to set multiple properties)",
        )
        parser.add_argument(
            "--description", metavar="<description>", help="Description for the flavor"
        )
        options.add_aliases(parser, is_required=True)
        options.add_policies(parser)
        options.add_dry_run(parser, "Show the flavor as it would be, and create nothing")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Sequence[Any]]:
        from vfio_lm.cloud.model import NewFlavor
        from vfio_lm.cloud.nova import ComputeClient
        from vfio_lm.inventory.flavor import alias_use, desired_specs, parse_counts
        from vfio_lm.inventory.write_flavor import create_flavor
        from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC

        if parsed_args.project and parsed_args.public:
            raise exceptions.CommandError("--project is only allowed with --private")
        if ALIAS_EXTRA_SPEC in parsed_args.properties:
            raise exceptions.CommandError(
                f"aliases are given with --alias, not with --property {ALIAS_EXTRA_SPEC}"
            )
        new = NewFlavor(
            name=parsed_args.name,
            id=parsed_args.id,
            vcpus=parsed_args.vcpus,
            ram_mib=parsed_args.ram,
            root_gib=parsed_args.disk,
            ephemeral_gib=parsed_args.ephemeral,
            swap_mib=parsed_args.swap,
            is_public=parsed_args.public,
            rxtx_factor=parsed_args.rxtx_factor,
            description=parsed_args.description,
        )
        aliases = inputs.read_aliases(parsed_args)
        if aliases is None:
            self.log.warning(options.UNCHECKED)
        extra_specs = desired_specs(
            parsed_args.properties,
            parse_counts(parsed_args.aliases),
            group_policy=parsed_args.group_policy,
            host_trait=parsed_args.host_trait,
            aliases=aliases,
        )
        if parsed_args.dry_run:
            flavor = new.as_created(extra_specs)
        else:
            connection = self.app.client_manager.sdk_connection
            projects: tuple[str, ...] = ()
            if parsed_args.project is not None:
                domain = parsed_args.project_domain
                projects = (project_id(connection, parsed_args.project, domain),)
            flavor = create_flavor(ComputeClient.of(connection), new, extra_specs, projects)
        return shown(flavor, alias_use(flavor.flavor.extra_specs, aliases))


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ram",
        type=int,
        metavar="<size-mb>",
        default=256,
        help="Memory size in MB (default 256M)",
    )
    parser.add_argument(
        "--disk",
        type=int,
        metavar="<size-gb>",
        default=0,
        help="Disk size in GB (default 0G)",
    )
    parser.add_argument(
        "--ephemeral",
        type=int,
        metavar="<size-gb>",
        default=0,
        help="Ephemeral disk size in GB (default 0G)",
    )
    parser.add_argument(
        "--swap",
        type=int,
        metavar="<size-mb>",
        default=0,
        help="Additional swap space size in MB (default 0M)",
    )
    parser.add_argument(
        "--vcpus", type=int, metavar="<vcpus>", default=1, help="Number of vcpus (default 1)"
    )
    parser.add_argument("--rxtx-factor", type=float, metavar="<factor>", help="RX/TX factor")


def _add_access(parser: argparse.ArgumentParser) -> None:
    public_group = parser.add_mutually_exclusive_group()
    public_group.add_argument(
        "--public",
        dest="public",
        action="store_true",
        default=True,
        help="Flavor is available to other projects (default)",
    )
    public_group.add_argument(
        "--private",
        dest="public",
        action="store_false",
        help="Flavor is not available to other projects",
    )
    parser.add_argument(
        "--project",
        metavar="<project>",
        help="Allow <project> to access private flavor (name or ID) "
        "(Must be used with --private option)",
    )
    parser.add_argument(
        "--project-domain",
        metavar="<project-domain>",
        help="Domain the project belongs to (name or ID). This can be used in case "
        "collisions between project names exist.",
    )
