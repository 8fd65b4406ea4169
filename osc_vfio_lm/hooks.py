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

"""A preflight inside ``openstack server migrate --live-migration``; nova does the rest as ever."""

from __future__ import annotations

import argparse
from typing import Any

from cliff import hooks
from osc_lib import exceptions

from osc_vfio_lm import inputs
from osc_vfio_lm.command import say
from osc_vfio_lm.migration import preflight_option
from osc_vfio_lm.migration.preflight_option import Permission

#: Of nova, from which on the scheduler looks at the host that is named.
_NAMES_HOSTS = "2.30"


class PreflightOfServerMigrate(hooks.CommandHook):
    """Looks before a live migration whether the server's VFs allow it.

    Cold migrations are left alone, and so are servers without PCI devices by alias: for these
    the hook asks nova for the server, and for nothing else.
    """

    def get_parser(self, parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        """Add the option to the command."""
        preflight_option.add_option(parser)
        return parser

    def get_epilog(self) -> str:
        """Explain the option below the help of the command."""
        return (
            "With --live-migration, servers that hold PCI devices by alias pass the preflight of "
            "'openstack vfio migration check' first. Where it finds that nova would refuse the "
            "live migration, or that it would fail, its report goes to standard error, nova is "
            "not asked, and the exit status is 2; it is 3 where that is not known and nova might "
            "put the server into ERROR; see --vfio-preflight. Where nova might choose a host that "
            "is not ready, one that is ready is named. What the aliases mean is "
            "read from the files that OS_VFIO_NOVA_CONF names, or from /etc/nova/nova.conf."
        )

    def before(self, parsed_args: argparse.Namespace) -> argparse.Namespace:
        """Run the preflight; end the command where it must not go on.

        :raises SystemExit: with the status 2 or 3: an exception would become the status 1
        :raises osc_lib.exceptions.CommandError: the same in the interactive shell, which goes on
        """
        if not parsed_args.live_migration:
            return parsed_args
        chosen = preflight_option.mode(parsed_args)
        if chosen == "skip":
            return parsed_args
        permission = self._permission(parsed_args, chosen)
        if permission.may_begin:
            if permission.host is not None:
                self._name(permission.host, parsed_args)
            return parsed_args
        if self.cmd.app.interactive_mode:
            raise exceptions.CommandError("the preflight has stopped the live migration")
        raise SystemExit(permission.status)

    def after(self, parsed_args: argparse.Namespace, return_code: int) -> int:
        """Leave the result of the command as it is."""
        return return_code

    def _name(self, host: str, parsed_args: argparse.Namespace) -> None:
        """Let the command name a host, also with the microversion that it takes by default."""
        from openstack import utils

        app: Any = self.cmd.app
        compute = app.client_manager.compute
        if not utils.supports_microversion(compute, _NAMES_HOSTS):
            compute.default_microversion = _NAMES_HOSTS
        parsed_args.host = host

    def _permission(self, parsed_args: argparse.Namespace, chosen: str) -> Permission:
        from vfio_lm.cloud.nova import MigrationClient
        from vfio_lm.errors import NotFoundError, VfioLmError
        from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
        from vfio_lm.preflight import check_with

        app: Any = self.cmd.app
        connection = app.client_manager.sdk_connection
        try:
            server = MigrationClient.of(connection).own_server(parsed_args.server)
        except NotFoundError:
            return Permission()  # the command itself says so, in its own words
        except VfioLmError as exc:
            say(app, [f"{preflight_option.NOT_DONE}: {exc}"])
            return Permission()
        if server.extra_specs is not None and ALIAS_EXTRA_SPEC not in server.extra_specs:
            return Permission()
        try:
            return preflight_option.permission(
                app,
                chosen,
                lambda: check_with(
                    connection,
                    server.id,
                    inputs.inputs_of_environment(),
                    host=parsed_args.host,
                ),
            )
        except NotFoundError as exc:
            # Nova has the last word about names.
            say(app, [f"{preflight_option.NOT_DONE}: {exc}"])
            return Permission()
