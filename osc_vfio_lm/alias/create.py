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
"""``openstack vfio alias create``: the lines of nova.conf for a kind of device."""

from __future__ import annotations

import argparse

from osc_lib import exceptions

from osc_vfio_lm import command, inputs
from osc_vfio_lm.alias.choices import DEVICE_TYPES, NUMA_POLICIES, RELEASES


class CreateAlias(command.Command):
    _description = """\
Print an alias and the device specification that goes with it

Nothing is changed: the lines belong into nova.conf as the comments above them say. For a
resource class, --vendor-id and --product-id name its devices; otherwise name them yourself. A
name that nova-api's nova.conf defines already is refused."""

    auth_required = False
    exit_statuses = ((0, "the lines are printed"),)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="Name for flavors to ask with")
        parser.add_argument(
            "--vendor-id", metavar="<id>", help="Vendor of the devices, four hexadecimal digits"
        )
        parser.add_argument(
            "--product-id", metavar="<id>", help="Product of the devices, four hexadecimal digits"
        )
        parser.add_argument(
            "--resource-class",
            metavar="<resource-class>",
            help="Resource class of the devices in placement, to ask for different products alike",
        )
        parser.add_argument(
            "--device-type", choices=DEVICE_TYPES, required=True, help="Type of the devices"
        )
        parser.add_argument(
            "--live-migratable",
            choices=("yes", "no"),
            required=True,
            help="Whether the devices, and thus servers with them, can live migrate: yes only "
            "where 'vfio-lm-host probe' shows STOP_COPY for them on every host",
        )
        parser.add_argument(
            "--numa-policy",
            choices=NUMA_POLICIES,
            help="NUMA affinity of the devices (default: that of nova, legacy)",
        )
        parser.add_argument(
            "--trait",
            metavar="<trait>",
            action="append",
            default=[],
            help="Trait that the devices have and the alias requires; one that is not a standard "
            "trait becomes CUSTOM_<trait> (repeat option for several)",
        )
        parser.add_argument(
            "--nova-release",
            choices=RELEASES,
            default=RELEASES[-1],
            help=f"Release of nova (default: {RELEASES[-1]})",
        )
        inputs.add_api_conf(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from vfio_lm.pci import NovaRelease
        from vfio_lm.pci.compose import DeviceWish, compose

        has_ids = bool(parsed_args.vendor_id), bool(parsed_args.product_id)
        if any(has_ids) != all(has_ids) or not (all(has_ids) or parsed_args.resource_class):
            raise exceptions.CommandError(
                "Say which devices: --vendor-id and --product-id, or --resource-class, or all three"
            )
        wish = DeviceWish(
            name=parsed_args.name,
            device_type=parsed_args.device_type,
            live_migratable=parsed_args.live_migratable == "yes",
            vendor_id=parsed_args.vendor_id,
            product_id=parsed_args.product_id,
            resource_class=parsed_args.resource_class,
            numa_policy=parsed_args.numa_policy,
            traits=tuple(parsed_args.trait),
        )
        composition = compose(wish, NovaRelease(parsed_args.nova_release))
        _refuse_existing(parsed_args)
        self.write(composition.lines)


def _refuse_existing(parsed_args: argparse.Namespace) -> None:
    from vfio_lm.pci import read_nova_conf

    paths = inputs.api_conf_paths(parsed_args)
    defined = read_nova_conf(paths).aliases if paths else {}
    if (alias := defined.get(parsed_args.name)) is not None:
        where = ", ".join(alias.locations)
        raise exceptions.CommandError(
            f"alias '{parsed_args.name}' is defined already ({where}): choose another name, or "
            f"change it there"
        )
