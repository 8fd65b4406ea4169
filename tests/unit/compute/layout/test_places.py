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

"""In each way to deploy, everything is found by itself; what is not where it belongs is unknown."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import fixtures
import testtools

from tests import sysfs_tree
from tests.unit.compute.layout import hosts
from vfio_lm.compute.guard.daemon import running_daemons
from vfio_lm.compute.host.device_users import DeviceUsers
from vfio_lm.compute.host.sysfs import Sysfs
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.compute.host.variant_drivers import VfioDrivers
from vfio_lm.compute.layout.nova_compute import running_nova_computes
from vfio_lm.compute.layout.places import HostPlaces, places_of
from vfio_lm.compute.layout.table import BY_NAME, NO_OTHER
from vfio_lm.pci.nova_conf import read_nova_conf

_IN_CONTAINERS = {name for name, each in hosts.DEPLOYED.items() if each.mounts}


class Host:
    """The files of a host with a card; nothing runs at first."""

    def __init__(self, folder: str, name: str) -> None:
        self.root = pathlib.Path(folder)
        self.name = name
        self.tree = sysfs_tree.SysfsTree(folder)
        self.vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0", vfs=2)
        self.deployed = hosts.build(self.root, name, (self.vfs[0], self.vfs[1]))
        self.processes = hosts.Processes(self.root)

    def places(self, layout: str | None = None) -> HostPlaces:
        proc = str(self.processes.proc)
        return HostPlaces(
            str(self.root),
            BY_NAME[layout] if layout else None,
            daemons=running_daemons(proc),
            nova_computes=running_nova_computes(proc),
        )

    def users(self, layout: str | None = None) -> dict[str, str | None]:
        """Return the server that has each device."""
        sysfs = Sysfs(self.root)
        users = DeviceUsers(sysfs, VfioDrivers(sysfs), self.places(layout))
        return {str(address): user.uuid for address, user in users.domains().items()}

    def start_nova_compute(self) -> None:
        root = self.root / self.deployed.compute_root
        self.processes.start_nova_compute(root, *self.deployed.compute_arguments)


class PlacesCase(testtools.TestCase):
    def host(self, name: str) -> Host:
        return Host(self.useFixture(fixtures.TempDir()).path, name)

    def hosts(self) -> Iterator[Host]:
        """Yield a host of each kind."""
        for name in hosts.DEPLOYED:
            with self.subTest(name):
                yield self.host(name)


class TestNothingRuns(PlacesCase):
    def test_how_it_is_deployed_shows(self) -> None:
        for host in self.hosts():
            self.assertEqual(host.name, host.places().layout.name)

    def test_the_devices_of_servers_that_are_shut_off_are_in_use(self) -> None:
        for host in self.hosts():
            wanted = {host.vfs[0]: hosts.OFF_UUID, host.vfs[1]: hosts.RUNNING_UUID}
            self.assertEqual(wanted, host.users())

    def test_qemus_log_is_found_or_said_to_be_in_the_container(self) -> None:
        for host in self.hosts():
            if BY_NAME[host.name].logs is None:
                error = self.assertRaises(NotKnownError, host.places().log_of, "instance-00000001")
                self.assertIn("/var/log/libvirt/qemu in the container nova_libvirt", str(error))
            else:
                log = host.places().log_of("instance-00000001")
                self.assertEqual(f"{host.root}/{host.deployed.logs}/instance-00000001.log", log)

    def test_nova_conf_is_found_or_said_to_be_a_running_ones(self) -> None:
        for host in self.hosts():
            if host.name == "openstack-helm":
                error = self.assertRaises(NotKnownError, host.places().nova_conf)
                self.assertIn("that of a nova-compute that runs", str(error))
            else:
                self.assertEqual(host.name, read_nova_conf(host.places().nova_conf()).host)

    def test_hooks(self) -> None:
        for host in self.hosts():
            is_snap = host.name == "sunbeam"
            folder = "/var/snap/openstack-hypervisor/common" if is_snap else ""
            self.assertEqual(f"{folder}/etc/libvirt/hooks", host.places().hooks())

    def test_a_folder_that_is_absent_is_unknown_where_it_should_be(self) -> None:
        for host in self.hosts():
            shutil.rmtree(host.root / host.deployed.definitions)
            if host.places().layout is NO_OTHER:
                self.assertEqual((), host.places().definitions())
            else:
                error = self.assertRaises(NotKnownError, host.places().definitions)
                self.assertIn("there is no such folder", str(error))

    def test_an_early_rhoso(self) -> None:
        host = self.host("edpm")
        new = host.root / "var/lib/openstack/nova"
        (host.root / "var/lib/openstack/config").mkdir()
        new.rename(host.root / "var/lib/openstack/config/nova")
        self.assertEqual("edpm", host.places().layout.name)
        self.assertEqual("edpm", read_nova_conf(host.places().nova_conf()).host)


class TestDaemonRuns(PlacesCase):
    def test_the_devices_of_all_servers_are_found_through_it(self) -> None:
        for host in self.hosts():
            host.processes.start(host.name)
            wanted = {host.vfs[0]: hosts.OFF_UUID, host.vfs[1]: hosts.RUNNING_UUID}
            self.assertEqual(wanted, host.users())

    def test_its_view_counts_wherever_the_volumes_are(self) -> None:
        host = self.host("kolla-docker")
        (host.root / "var/lib/docker").rename(host.root / "srv")
        link = host.root / hosts.CONTAINER / "etc/libvirt/qemu"
        link.unlink()
        link.symlink_to(host.root / "srv/volumes/nova_libvirt_qemu/_data")
        self.assertRaises(NotKnownError, host.users)
        host.processes.start(host.name)
        self.assertEqual(hosts.OFF_UUID, host.users()[host.vfs[0]])

    def test_qemus_log_is_found_in_containers_too(self) -> None:
        for host in self.hosts():
            host.processes.start(host.name)
            log = pathlib.Path(host.places().log_of("instance-00000001"))
            self.assertTrue(log.samefile(host.root / host.deployed.logs / log.name))

    def test_where_a_log_is_looked_for_is_said(self) -> None:
        host = self.host("kolla-docker")
        host.processes.start(host.name)
        error = self.assertRaises(NotKnownError, host.places().log_of, "instance-00000002")
        place = f"{host.processes.proc}/7/root/var/log/libvirt/qemu/instance-00000002.log"
        self.assertEqual(f"{place}: there is no such file", str(error))

    def test_a_folder_that_is_absent_beside_it_is_unknown(self) -> None:
        for host in self.hosts():
            host.processes.start(host.name)
            shutil.rmtree(host.root / host.deployed.definitions)
            error = self.assertRaises(NotKnownError, host.places().definitions)
            self.assertIn("beside libvirtd (process 7)", str(error))

    def test_one_that_cannot_be_looked_through_is_unknown(self) -> None:
        host = self.host("distribution")
        host.processes.start(host.name)
        (host.processes.proc / "7/ns/mnt").unlink()
        for look in (host.places().status, host.places().logs):
            self.assertIn("run this as root", str(self.assertRaises(NotKnownError, look)))

    def test_a_name_overrides_it(self) -> None:
        host = self.host("kolla-podman")
        self.assertEqual(hosts.OFF_UUID, host.users("kolla-podman")[host.vfs[0]])
        host.processes.start(host.name)
        error = self.assertRaises(NotKnownError, host.places("kolla-docker").definitions)
        self.assertIn("var/lib/docker/volumes/nova_libvirt_qemu/_data", str(error))


class TestNovaComputeRuns(PlacesCase):
    def test_its_own_files_are_taken(self) -> None:
        host = self.host("openstack-helm")
        host.start_nova_compute()
        conf = read_nova_conf(host.places().nova_conf())
        self.assertEqual(("openstack-helm", True), (conf.host, conf.permit_post_copy))

    def test_two_that_differ_are_unknown(self) -> None:
        host = self.host("devstack")
        host.start_nova_compute()
        host.processes.start_nova_compute(host.root / "elsewhere", pid=10)
        error = self.assertRaises(NotKnownError, host.places().nova_conf)
        self.assertIn("read other files: name those of one with --nova-conf", str(error))

    def test_one_that_cannot_be_looked_through_is_unknown(self) -> None:
        host = self.host("distribution")
        host.start_nova_compute()
        (host.processes.proc / "9/ns/mnt").unlink()
        error = self.assertRaises(NotKnownError, host.places().nova_conf)
        self.assertIn("nova-compute (process 9) cannot be looked at", str(error))

    def test_a_name_overrides_it(self) -> None:
        host = self.host("kolla-docker")
        host.processes.start_nova_compute(host.root / "elsewhere")
        self.assertRaises(NotKnownError, host.places().nova_conf)
        self.assertEqual(
            (f"{host.root}/etc/kolla/nova-compute/nova.conf",),
            host.places("kolla-docker").nova_conf(),
        )


class TestPlacesOf(PlacesCase):
    def test_processes_do_not_count_in_a_copy_of_a_host(self) -> None:
        host = self.host("kolla-docker")
        host.processes.start(host.name)
        places = places_of(str(host.root))
        self.assertEqual("kolla-docker", places.layout.name)
        (folder,) = places.definitions()
        self.assertTrue(folder.endswith("var/lib/docker/volumes/nova_libvirt_qemu/_data"))
        shutil.rmtree(folder)
        error = self.assertRaises(NotKnownError, places.definitions)
        self.assertIn("holds no var/lib/docker/volumes/nova_libvirt_qemu/_data", str(error))
