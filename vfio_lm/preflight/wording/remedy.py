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

"""How remedies are written: ready to paste, at night and without this manual.

What can be pasted stands on lines of its own that begin with two spaces, and the line before says
where to: ``on HOST``, ``in [SECTION] of nova.conf on HOST``, ``check again with`` (options of the
preflight), or nothing for a shell with the credentials of the cloud. A line that begins with "or"
opens another way. Words in capitals are for the reader to fill in.
"""

from __future__ import annotations

from collections.abc import Collection

IN_PLACE = "in place of the device_spec lines of the same devices, "
BEFORE_OTHERS = "before other device_spec lines (the first that matches a device counts), "


def steps(*parts: str) -> str:
    """Put the parts of a remedy together, in the order in which they are to be done."""
    return "\n".join(parts)


def paste(sentence: str, *lines: str) -> str:
    """Say what lines are for, or where they belong, and give them ready to paste."""
    return "\n  ".join((f"{sentence}:", *lines))


def on_host(host: str, *commands: str) -> str:
    """Say what to run on a host."""
    return paste(f"on {host}", *commands)


def in_nova_conf(host: str, section: str, *lines: str, why: str = "") -> str:
    """Say what to write into the nova.conf of a nova-compute, which is restarted afterwards."""
    return steps(
        paste(f"{why}in [{section}] of nova.conf on {host}", *lines),
        on_host(host, "systemctl restart nova-compute"),
    )


def check_again(*options: str, why: str = "") -> str:
    """Say which options the preflight needs."""
    return paste(f"{why}check again with", *options)


HYPERVISORS = paste("see which hypervisors nova lists", "openstack hypervisor list --long")
APIS_CONF = check_again("--nova-conf FILE", why="with the nova.conf of nova-api as FILE, ")
SCHEDULERS_CONF = check_again(
    "--nova-conf FILE",
    why="with the nova.conf of nova-scheduler as FILE, which says pci_in_placement, ",
)


def conf_of(host: str) -> str:
    """Say how to give the preflight a host's nova.conf."""
    return check_again(
        f"--nova-conf {host}=FILE", why=f"with the nova.conf of nova-compute on {host} as FILE, "
    )


def probe(host: str) -> str:
    """Say how to get the facts of a host, and how to give them to the preflight."""
    return steps(
        on_host(host, f"vfio-lm-host probe -f json > {host}.json"),
        check_again(f"--host-facts {host}.json"),
    )


def tell_of_hosts(without_facts: Collection[str], without_conf: Collection[str]) -> str:
    """Say how to get all that is missing of hosts, and how to give it to the preflight."""
    without_facts = tuple(dict.fromkeys(without_facts))
    return steps(
        *(on_host(host, f"vfio-lm-host probe -f json > {host}.json") for host in without_facts),
        check_again(
            *(f"--nova-conf {host}=FILE" for host in without_conf),
            *(f"--host-facts {host}.json" for host in without_facts),
            why="with the nova.conf of nova-compute of each host as FILE, " if without_conf else "",
        ),
    )


def bind(host: str, addresses: Collection[str], driver: str = "VARIANT_DRIVER") -> str:
    """Say how to bind devices to a variant driver; libvirt must leave it to them then."""
    return paste(
        f'with "managed": "no" in the device_spec of these devices, on {host}',
        *(f"driverctl set-override {address} {driver}" for address in addresses),
    )


def resize(server_id: str, to: str) -> str:
    """Say how to give a server another flavor; nova takes its devices and gives it new ones.

    :param to: what flavor, for example "whose alias has live_migratable=yes"
    """
    return paste(
        f"resize the server to a flavor {to}",
        f"openstack server resize --wait --flavor FLAVOR {server_id}",
        f"openstack server resize confirm {server_id}",
    )


def make_room(host: str, *, with_devices: bool = False) -> str:
    """Say how to get room on a host.

    :param with_devices: whether devices are what is short
    """
    servers = "vfio server list" if with_devices else "server list --all-projects"
    return paste(
        f"move any server that may leave {host} away, as SERVER",
        f"openstack {servers} --host {host}",
        "openstack server migrate --live-migration --wait SERVER",
    )


def enable(host: str) -> str:
    """Say how to enable the nova-compute of a host."""
    return paste(
        "if the host is in order", f"openstack compute service set --enable {host} nova-compute"
    )


def set_up(host: str) -> str:
    """Say how to take back that the nova-compute of a host was forced down."""
    return paste(
        "if the host is in order", f"openstack compute service set --up {host} nova-compute"
    )
