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

"""The arguments that say which servers a command is about; what it does with them is elsewhere."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_vfio_lm.projects import project_id

if TYPE_CHECKING:
    from openstack.connection import Connection

    from vfio_lm.preflight import Selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add <server>, --all, --project, --project-domain and --source-host."""
    parser.add_argument(
        "server",
        metavar="<server>",
        nargs="*",
        help="Server to check (name or ID, several may be given)",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="Check all servers of all projects that hold PCI devices, by an alias of the flavor "
        "or by a port",
    )
    parser.add_argument(
        "--project",
        metavar="<project>",
        help="Check those of this project only (name or ID)",
    )
    parser.add_argument(
        "--project-domain",
        metavar="<project-domain>",
        help="Domain the project belongs to (name or ID). This can be used in case collisions "
        "between project names exist.",
    )
    parser.add_argument("--source-host", metavar="<hostname>", help="Check those on this host only")


def is_one(parsed_args: argparse.Namespace) -> bool:
    """Whether a single server is meant, by its name or ID."""
    return len(parsed_args.server) == 1 and not _is_chosen(parsed_args)


def read(parsed_args: argparse.Namespace, connection: Connection) -> Selection:
    """Return which servers are meant.

    :raises osc_lib.exceptions.CommandError: if none are, or in two ways, or there is no such
        project
    """
    from vfio_lm.preflight import Selection

    if parsed_args.server and _is_chosen(parsed_args):
        raise exceptions.CommandError(
            "servers are either named or chosen with --all, --project and --source-host, not both"
        )
    if not (parsed_args.server or _is_chosen(parsed_args)):
        raise exceptions.CommandError(
            "no server is given: name some, or choose them with --all, --project or --source-host"
        )
    if parsed_args.project_domain and not parsed_args.project:
        raise exceptions.CommandError("--project-domain is only allowed with --project")
    return Selection(
        names=tuple(parsed_args.server),
        project_id=project_id(connection, parsed_args.project, parsed_args.project_domain)
        if parsed_args.project is not None
        else None,
        source_host=parsed_args.source_host,
    )


def _is_chosen(parsed_args: argparse.Namespace) -> bool:
    chosen = (parsed_args.project, parsed_args.project_domain, parsed_args.source_host)
    return bool(parsed_args.all) or any(each is not None for each in chosen)
