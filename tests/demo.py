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

"""The demo: a live migration of a server with a VF, and one that is refused; it tests nothing.

Every step prints the command that a user would type, then runs it.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import TextIO

from openstack.connection import Connection

from tests.cloud import Cloud, CloudError, CloudSpec, HostSpec

KEPT_IN = pathlib.Path(".demo").absolute()

_VF = {"vendor_id": "8086", "product_id": "1515"}
_ALIAS = {"name": "vf", **_VF, "device_type": "type-VF"}

SPEC = CloudSpec(
    hosts=(
        HostSpec("compute1", vfs=4, device_specs=({**_VF, "live_migratable": "yes"},)),
        HostSpec("compute2", vfs=4, device_specs=({**_VF, "live_migratable": "yes"},)),
        HostSpec("compute3", vfs=4, device_specs=(_VF,)),
    ),
    aliases=(
        {**_ALIAS, "name": "vf-migratable", "live_migratable": "yes"},
        {**_ALIAS, "name": "vf-any"},
    ),
)


#: The flavors of the demo, and the alias of each.
FLAVORS = {"vf.migratable": "vf-migratable", "vf.any": "vf-any"}


def create_flavors(connection: Connection) -> None:
    """Create the flavors that the demo leaves, without its output."""
    for name, alias in FLAVORS.items():
        flavor = connection.compute.create_flavor(name=name, vcpus=1, ram=512, disk=1)
        wanted = {"pci_passthrough:alias": f"{alias}:1"}
        connection.compute.create_flavor_extra_specs(flavor, wanted)


class DemoError(Exception):
    """A step did not do what it should have done."""


class Demo:
    """The steps, on a cloud that is up.

    :param output: a file; what is typed, and what the commands print
    """

    def __init__(self, cloud: Cloud, output: TextIO) -> None:
        self._cloud = cloud
        self._output = output
        tools = pathlib.Path(sys.executable).parent
        self._environ = os.environ | cloud.environ() | {"COLUMNS": "120"}
        # Without it 'openstack server migrate' would not know what the aliases mean.
        self._environ["OS_VFIO_NOVA_CONF"] = str(cloud.nova_conf())
        self._environ["PATH"] = f"{tools}{os.pathsep}{self._environ['PATH']}"

    def run(self) -> None:
        self.say(
            "Three hosts. compute1 and compute2 declare their VFs live migratable, compute3 not:"
        )
        self.type(
            "openstack compute service list --service nova-compute -c Host -c Status -c State"
        )
        self.type("openstack resource provider list -c name --required HW_PCI_LIVE_MIGRATABLE")

        self.say("Two flavors: one asks for a live migratable VF, the other for any VF.")
        for flavor, alias in FLAVORS.items():
            self.type(
                f"openstack flavor create --vcpus 1 --ram 512 --disk 1 "
                f"--property pci_passthrough:alias={alias}:1 -c name -c properties {flavor}"
            )
        for name, flavor in (("mobile", "vf.migratable"), ("stuck", "vf.any")):
            self.type(
                f"openstack server create --flavor {flavor} --image cirros --nic none --wait "
                f"-c name -c status -c OS-EXT-SRV-ATTR:host {name}"
            )

        self.say("Will the first server live migrate?")
        self.type("openstack vfio migration check mobile", expect=0)
        before = self.show_device("mobile")
        self.type("openstack server migrate --live-migration --wait mobile", expect=0)
        self.type("openstack server show -c name -c status -c OS-EXT-SRV-ATTR:host mobile")
        after = self.show_device("mobile")
        if before == after:
            raise DemoError("the server was not live migrated")

        self.say("And the second? Its alias does not ask for live migratable VFs.")
        self.type("openstack vfio migration check stuck", expect=2)
        self.say("Nova's own command looks first, too:")
        self.type("openstack server migrate --live-migration --wait stuck", expect=2)
        self.say("Nova alone says less:")
        self.type(
            "openstack server migrate --live-migration --vfio-preflight skip --wait stuck", expect=1
        )

    def say(self, text: str) -> None:
        print(f"\n# {text}", file=self._output, flush=True)

    def type(self, command: str, expect: int = 0) -> None:
        """Print a command, run it, and insist on its exit status."""
        print(f"\n$ {command}", file=self._output, flush=True)
        status = subprocess.run(
            shlex.split(command),
            env=self._environ,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
        if status != expect:
            raise DemoError(f"exit status {status} instead of {expect}: {command}")
        if status:
            print(f"(exit status {status})", file=self._output, flush=True)

    def show_device(self, name: str) -> tuple[str, str]:
        """Say where a server is, and with which VF, as its hypervisor has it."""
        server = self._cloud.connection().compute.find_server(name, all_projects=True)
        guest = ElementTree.fromstring(self._cloud.guest_xml(server.id))
        address = guest.find("./devices/hostdev/source/address")
        if address is None:
            raise DemoError(f"the guest of server {name} has no VF")
        part = {key: int(value, 16) for key, value in address.attrib.items() if key != "type"}
        vf = "{domain:04x}:{bus:02x}:{slot:02x}.{function:x}".format(**part)
        server = self._cloud.connection().compute.get_server(server.id)
        self.say(f"The hypervisor of {server.hypervisor_hostname} gives {name} the VF {vf}.")
        return server.hypervisor_hostname, vf


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Live migrate a server with a VF on an embedded cloud"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the cloud running (make demo KEEP=1)"
    )
    keep = parser.parse_args().keep
    cloud = Cloud(SPEC, KEPT_IN if keep else None)
    print("# Starting keystone, placement, glance and nova with three hosts …", flush=True)
    try:
        cloud.start(detached=keep)
        Demo(cloud, sys.stdout).run()
    except (CloudError, DemoError) as exc:
        print(f"\nThe demo failed: {exc}", file=sys.stderr)
        cloud.stop()
        return 1
    except BaseException:
        cloud.stop()
        raise
    if keep:
        tell_how_to_use(cloud)
    else:
        cloud.stop()
        print("\n# The cloud is taken down. Keep it next time: make demo KEEP=1")
    return 0


def tell_how_to_use(cloud: Cloud) -> None:
    bin_directory = pathlib.Path(sys.executable).parent
    print("\n# The cloud is still up. To use it:")
    print(f"export PATH={bin_directory}:$PATH")
    for name, value in cloud.environ().items():
        print(f"export {name}={value}")
    print(f"export OS_VFIO_NOVA_CONF={cloud.nova_conf()}")
    print(f"export COMPUTE1_CONF={cloud.nova_conf('compute1')}")
    print("openstack vfio migration check mobile")
    print(f"\n# To take it down, in {pathlib.Path.cwd()}:")
    print(f"{sys.executable} -m tests.cloud down --dir {cloud.directory}")


if __name__ == "__main__":
    sys.exit(main())
