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

"""The command line of the embedded cloud: ``python -m tests.cloud up|down|status``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cloud import environments
from tests.cloud.cloud import Cloud
from tests.cloud.errors import CloudError
from tests.cloud.image import IMAGE_NAME
from tests.cloud.spec import CloudSpec, HostSpec
from vfio_lm.pci.release import NovaRelease

DEFAULT_DIRECTORY = Path(tempfile.gettempdir()) / "embedded-cloud"
PROGRAM = "python -m tests.cloud"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (CloudError, ValueError, OSError) as error:
        print(f"{PROGRAM} {options.command}: {error}", file=sys.stderr)
        return 1


def up(options: argparse.Namespace) -> int:
    """Start a cloud that goes on running."""
    began = time.monotonic()
    cloud = Cloud(_spec(options), options.dir, release=NovaRelease(options.nova_release))
    cloud.start(detached=True)
    print(f"# up in {time.monotonic() - began:.1f} s; image {IMAGE_NAME}")
    _print_exports(cloud)
    print(f"# take it down: {PROGRAM} down --dir {shlex.quote(str(cloud.directory))}")
    return 0


def down(options: argparse.Namespace) -> int:
    """End a cloud and remove its files."""
    Cloud.attach(options.dir).stop()
    return 0


def status(options: argparse.Namespace) -> int:
    """Show what of a cloud runs; give 1 if a service does not."""
    cloud = Cloud.attach(options.dir)
    services = cloud.services()
    for name, is_running in services.items():
        state = "running" if is_running else "NOT RUNNING"
        print(f"{name:<12} {state:<12} {cloud.urls[name]}")
    if not all(services.values()):
        return 1
    for name, is_running in cloud.hosts().items():
        print(f"{name:<12} {'running' if is_running else 'stopped':<12} {cloud.nova_conf(name)}")
    _print_exports(cloud)
    return 0


def _print_exports(cloud: Cloud) -> None:
    for name, value in cloud.environ().items():
        print(f"export {name}={shlex.quote(value)}")


def _spec(options: argparse.Namespace) -> CloudSpec:
    spec = CloudSpec()
    if options.spec is not None:
        spec = CloudSpec.from_json(json.loads(options.spec.read_text()))
    if options.hosts is not None:
        hosts = tuple(HostSpec(name=f"compute{number + 1}") for number in range(options.hosts))
        spec = dataclasses.replace(spec, hosts=hosts)
    changes = {
        "pci_in_placement": options.pci_in_placement,
        "neutron": options.neutron,
        "network_endpoint": options.network_endpoint,
        "migration_seconds": options.migration_seconds,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(spec, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A small real OpenStack (keystone, placement, glance, nova) on loopback.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_up(commands.add_parser("up", help="start a cloud that goes on running"))
    for run, text in (
        (down, "end a cloud and remove its files"),
        (status, "show the services and hosts of a cloud"),
    ):
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        _add_directory(command)
    return parser


def _add_up(command: argparse.ArgumentParser) -> None:
    command.description = "Start a cloud that goes on running, and print how to use it."
    command.set_defaults(run=up)
    _add_directory(command)
    command.add_argument(
        "--spec",
        type=Path,
        metavar="FILE.json",
        help="the cloud as JSON: the fields of CloudSpec, hosts with those of HostSpec",
    )
    command.add_argument(
        "--hosts", type=_positive, metavar="N", help="number of like compute hosts (default: 3)"
    )
    command.add_argument(
        "--migration-seconds",
        type=float,
        metavar="S",
        help="how long a live migration keeps the hypervisors busy (default: 0.2)",
    )
    command.add_argument(
        "--nova-release",
        choices=[each.value for each in NovaRelease],
        default=environments.CURRENT.value,
        help="release of nova; another than that of the tests is installed into an environment "
        "of its own first (default: %(default)s)",
    )
    command.add_argument(
        "--no-pci-in-placement",
        dest="pci_in_placement",
        action="store_const",
        const=False,
        help="let the scheduler and the hosts keep PCI devices out of placement",
    )
    command.add_argument(
        "--neutron",
        action="store_const",
        const=True,
        help="start a real neutron with agents on every host, instead of nova's double of it",
    )
    command.add_argument(
        "--no-network-endpoint",
        dest="network_endpoint",
        action="store_const",
        const=False,
        help="leave the network service out of the catalogue",
    )


def _add_directory(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dir",
        type=Path,
        default=DEFAULT_DIRECTORY,
        metavar="DIR",
        help="directory of the cloud's files (default: %(default)s)",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
