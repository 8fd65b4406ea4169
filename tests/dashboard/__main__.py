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

"""A dashboard to look at: ``make horizon`` starts an embedded cloud with servers, and Horizon."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from typing import TYPE_CHECKING

from tests.cloud import Cloud, CloudError, CloudSpec, HostSpec
from tests.cloud.image import IMAGE_NAME
from tests.cloud.settings import PASSWORD
from tests.dashboard.dashboard import PANEL, Dashboard
from tests.demo import SPEC

if TYPE_CHECKING:
    from openstack.connection import Connection

#: Servers by name: the flavor, the host.
SERVERS = {
    "mobile-1": ("vf.migratable", "compute1"),
    "mobile-2": ("vf.migratable", "compute2"),
    "mobile-3": ("vf.migratable.pair", "compute1"),
    "stuck": ("vf.any", "compute3"),
}
FLAVORS = {
    "vf.migratable": "vf-migratable:1",
    "vf.migratable.pair": "vf-migratable:2",
    "vf.any": "vf-any:1",
}


def spec() -> CloudSpec:
    """Return the cloud of the demo, with a host that has no devices."""
    return dataclasses.replace(
        SPEC, hosts=(*SPEC.hosts, HostSpec("compute4", vfs=4, device_specs=()))
    )


def populate(connection: Connection) -> None:
    """Create the flavors and the servers."""
    for name, aliases in FLAVORS.items():
        flavor = connection.compute.create_flavor(name=name, vcpus=1, ram=512, disk=1)
        connection.compute.create_flavor_extra_specs(flavor, {"pci_passthrough:alias": aliases})
    image = connection.image.find_image(IMAGE_NAME)
    for name, (flavor, host) in SERVERS.items():
        server = connection.compute.create_server(
            name=name,
            flavor_id=connection.compute.find_flavor(flavor).id,
            image_id=image.id,
            networks="none",
            host=host,
        )
        connection.compute.wait_for_server(server, interval=0.5)


def main() -> int:
    """Start all, tell how to log in, and wait to be interrupted."""
    parser = argparse.ArgumentParser(
        prog="make horizon", description="Show the panel on an embedded cloud in a browser"
    )
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("# Starting keystone, placement, glance, nova with four hosts, and Horizon …", flush=True)
    try:
        with Cloud(spec()) as cloud:
            populate(cloud.connection())
            with Dashboard(cloud) as dashboard:
                print(f"\n  {dashboard.url}/auth/login/?next={PANEL}")
                print(f"  user admin, password {PASSWORD} (demo and reader see no panel)")
                print("\n# Ctrl-C takes everything down.", flush=True)
                signal.pause()
    except CloudError as exc:
        print(f"\nThe dashboard did not start: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n# Everything is taken down.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
