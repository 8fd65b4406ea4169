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
            "not asked, and the exit status is 2; see --vfio-preflight. What the aliases mean is "
            "read from the files that OS_VFIO_NOVA_CONF names, or from /etc/nova/nova.conf."
        )

    def before(self, parsed_args: argparse.Namespace) -> argparse.Namespace:
        """Run the preflight; end the command where it must not go on.

        :raises SystemExit: with the status 2: an exception would become the status 1
        :raises osc_lib.exceptions.CommandError: the same in the interactive shell, which goes on
        """
        if not parsed_args.live_migration:
            return parsed_args
        chosen = preflight_option.mode(parsed_args)
        if chosen == "skip" or self._may_begin(parsed_args, chosen):
            return parsed_args
        if self.cmd.app.interactive_mode:
            raise exceptions.CommandError("the preflight has stopped the live migration")
        raise SystemExit(preflight_option.BLOCKED)

    def after(self, parsed_args: argparse.Namespace, return_code: int) -> int:
        """Leave the result of the command as it is."""
        return return_code

    def _may_begin(self, parsed_args: argparse.Namespace, chosen: str) -> bool:
        from vfio_lm.cloud.nova import MigrationClient
        from vfio_lm.errors import NotFoundError, VfioLmError
        from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC
        from vfio_lm.preflight import check_with

        app: Any = self.cmd.app
        connection = app.client_manager.sdk_connection
        try:
            server = MigrationClient.of(connection).own_server(parsed_args.server)
        except NotFoundError:
            return True  # the command itself says so, in its own words
        except VfioLmError as exc:
            say(app, [f"{preflight_option.NOT_DONE}: {exc}"])
            return True
        if server.extra_specs is not None and ALIAS_EXTRA_SPEC not in server.extra_specs:
            return True
        try:
            return preflight_option.may_begin(
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
            return True
