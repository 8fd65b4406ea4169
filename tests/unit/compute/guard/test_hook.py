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

"""The guard lets a server in with devices that can take it, and says in one line why not."""

import io
import json
import os
import pathlib
import subprocess
import sys

import fixtures
import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import sysfs_tree
from tests.unit.compute import domains
from tests.unit.compute.domain.test_remap import loop
from vfio_lm.compute.domain.devices import read_devices
from vfio_lm.compute.domain.remap import hostdev_addresses
from vfio_lm.compute.guard import hook

BEGIN = ("guest", "migrate", "begin", "-")
_PASSES = (hook.PASSED, b"", "")
OTHER_UUID = "6cfa5dbf-7c4e-45c5-9d1c-6f6b7e1b9a4e"
A, B = "0000:81:00.1", "0000:81:00.2"
_HEAVY = {"oslo_config", "jsonschema", "os_traits", "lxml", "argparse", "libvirt", "subprocess"}


def ask(root, content, arguments=BEGIN):
    """Call the hook as libvirt does; return its status, output and error."""
    output, error = io.BytesIO(), io.StringIO()
    status = hook.answer(
        arguments, io.BytesIO(content), output, error, root=str(root), owner=os.getuid()
    )
    return status, output.getvalue(), error.getvalue()


class HookTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.tree = sysfs_tree.SysfsTree(self.root)
        self.tree.add_libvirt()

    def assert_passes(self, *addresses, kind="hostdev"):
        content = domains.domain(*addresses, kind=kind).xml().encode()
        self.assertEqual(_PASSES, ask(self.root, content))

    def assert_refuses(self, text, *addresses, kind="hostdev", content=None):
        if content is None:
            content = domains.domain(*addresses, kind=kind).xml().encode()
        status, output, error = ask(self.root, content)
        self.assertEqual((hook.REFUSED, b""), (status, output))
        self.assertIn(text, error)
        self.assertEqual([error], error.splitlines(keepends=True))
        self.assertTrue(error.endswith("\n"))
        self.assertTrue(
            error.startswith(
                f"vfio-lm on {os.uname().nodename}: incoming migration of guest refused: "
            ),
            error,
        )

    def spool(self, mapping, uuid=domains.UUID):
        """Leave a map for a domain."""
        content = mapping if isinstance(mapping, bytes) else json.dumps(mapping)
        path = self.tree.write(f"var/lib/vfio-lm/remap/{uuid}.json", content)
        path.parent.chmod(0o700)
        path.chmod(0o600)
        return path


class TestDevices(HookTestCase):
    def test_devices_that_can_take_the_server(self):
        vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        gpus = sysfs_tree.nvidia_vgpu(self.tree, "0000:65:00.0")
        self.assert_passes(*vfs, *gpus)
        self.assert_passes(*vfs, kind="interface")

    def test_no_devices_at_all(self):
        self.assert_passes()

    def test_a_device_that_does_not_exist(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.assert_refuses("0000:82:00.1 does not exist on this host", vf, "0000:82:00.1")

    def test_a_device_without_a_driver(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0", driver=None)
        self.assert_refuses(f"{vf} is bound to no driver: bind it to mlx5_vfio_pci", vf)

    def test_a_device_that_the_host_uses(self):
        (vf,) = sysfs_tree.igb(self.tree, "0000:81:00.0")
        self.assert_refuses(
            f"{vf} is bound to igbvf, which is no VFIO driver: this kernel has no variant", vf
        )

    def test_a_device_on_plain_vfio(self):
        vf, _ = sysfs_tree.qat(self.tree, "0000:81:00.0", driver="vfio-pci")
        self.assert_refuses(
            f"{vf} is bound to vfio-pci, which cannot migrate a device: bind it to qat_vfio_pci", vf
        )

    def test_a_device_that_libvirt_binds_itself(self):
        mlx5, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0", driver="mlx5_core")
        (igb,) = sysfs_tree.igb(self.tree, "0000:02:00.0")
        managed = domains.domain(mlx5).xml().replace("managed='no'", "managed='yes'")
        self.assertEqual(_PASSES, ask(self.root, managed.encode()))
        managed = domains.domain(igb).xml().replace("managed='no'", "managed='yes'")
        self.assert_refuses(f"{igb} is bound to igbvf", content=managed.encode())

    def test_a_driver_that_the_kernel_does_not_list(self):
        tree = sysfs_tree.SysfsTree(self.root / "other", modules_alias=None)
        tree.add_libvirt()
        vf, other = sysfs_tree.mlx5(tree, "0000:81:00.0")
        tree.bind(other, "mlx5_core")
        self.assertEqual(hook.PASSED, ask(tree.root, domains.domain(vf).xml().encode())[0])
        self.assertEqual(hook.REFUSED, ask(tree.root, domains.domain(other).xml().encode())[0])

    def test_a_device_of_which_the_kernel_says_that_it_cannot_migrate(self):
        vf, other = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.debug(vf, state="RUNNING")
        self.tree.debug(other)
        self.assert_passes(vf)
        self.assert_refuses(f"{other} cannot be migrated, says its driver mlx5_vfio_pci", other)

    def test_a_vf_without_a_vgpu(self):
        vf, _ = sysfs_tree.nvidia_vgpu(self.tree, "0000:81:00.0", vgpu_types=[0, 558])
        self.assert_refuses(f"{vf} has no vGPU type", vf)

    def test_a_device_that_another_server_has(self):
        vf, other = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.hold(vf, "instance-00000007", OTHER_UUID)
        self.tree.hold(other, "instance-00000008", OTHER_UUID, as_interface=True)
        self.assert_refuses(f"{vf} is in use by domain instance-00000007", vf)
        self.assert_refuses(f"{other} is in use by domain instance-00000008", vf, other)

    def test_a_device_that_only_looks_like_another_servers(self):
        vf, other = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.hold(other, "instance-00000007", OTHER_UUID)
        file = self.root / "run/libvirt/qemu/instance-00000007.xml"
        guests = "<address type='pci' domain='0x0000' bus='0x81' slot='0x00' function='0x1'/>"
        file.write_text(file.read_text().replace("</hostdev>", f"{guests}</hostdev>"))
        self.assertIn("function='0x1'", file.read_text())
        self.assert_passes(vf)

    def test_a_device_that_the_server_itself_has(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.tree.hold(vf, "guest", domains.UUID)
        self.assert_passes(vf)

    def test_a_device_twice(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        self.assert_refuses(f"{vf} is in the domain XML twice", vf, vf)

    def test_all_that_is_wrong_is_said(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0", driver=None)
        self.assert_refuses("does not exist on this host", "0000:82:00.1", vf)
        self.assert_refuses(f"; PCI device {vf} is bound to no driver", "0000:82:00.1", vf)


class TestMap(HookTestCase):
    def setUp(self):
        super().setUp()
        self.vfs = sysfs_tree.mlx5(self.tree, "0000:82:00.0")

    def test_a_map_that_was_left_for_the_server(self):
        there = ["0000:82:00.1", "0000:82:00.2"]
        domain = domains.domain(A, B)
        self.spool({"pci": {A: there[1], B: there[0]}})
        status, output, error = ask(self.root, domain.xml().encode())
        self.assertEqual((hook.PASSED, ""), (status, error))
        self.assertEqual(
            [there[1], there[0]], [str(each) for each in hostdev_addresses(output.decode())]
        )

    def test_a_map_that_was_left_for_another_server(self):
        self.spool({"pci": {A: "0000:82:00.1"}}, uuid=OTHER_UUID)
        self.assert_passes("0000:82:00.1")

    def test_a_map_to_devices_that_cannot_take_the_server(self):
        self.spool({"pci": {A: "0000:83:00.1"}})
        self.assert_refuses("0000:83:00.1 does not exist on this host", A)

    def test_a_map_of_a_mediated_device(self):
        self.spool({"mdev": {OTHER_UUID: domains.UUID}})
        status, output, _ = ask(self.root, domains.domain(uuids=[OTHER_UUID]).xml().encode())
        self.assertEqual(hook.PASSED, status)
        self.assertEqual(domains.UUID, read_devices(output).mdevs[0].uuid)

    def test_an_old_map(self):
        self.spool({"pci": {A: "0000:82:00.1"}})
        self.assert_refuses(f"PCI device {A} is in the map, but not in the domain XML", self.vfs[0])
        self.assert_refuses("remove the file if it is an old one", self.vfs[0])

    def test_a_map_that_is_not_to_be_used(self):
        path = self.spool(b"{")
        self.assert_refuses(f"{path}: is not valid JSON", A)
        path = self.spool({"pci": {A: "82:00"}})
        self.assert_refuses("PCI address '82:00'", A)
        path.chmod(0o620)
        self.assert_refuses(f"{path}: others than its owner may write to it", A)


class TestCalls(HookTestCase):
    def test_other_operations_are_none_of_its_business(self):
        broken = b"<hostdev"
        for arguments in (
            ("guest", "prepare", "end", "-"),
            ("guest", "release", "end", "-"),
            ("guest", "restore", "begin", "-"),
            ("guest", "migrate", "end", "-"),
            (),
        ):
            self.assertEqual(_PASSES, ask(self.root, broken, arguments))

    def test_what_cannot_be_read_is_refused_if_it_may_have_devices(self):
        self.assert_refuses("no element found", content=b"<domain><devices><hostdev type='pci'>")
        self.assertEqual(_PASSES, ask(self.root, b"<domain><devices>"))
        self.assertEqual(_PASSES, ask(self.root, b""))

    def test_a_mistake_of_the_guard_is_a_refusal_too(self):
        vf, _ = sysfs_tree.mlx5(self.tree, "0000:81:00.0")
        driver = self.root / self.tree.device(vf) / "driver"
        driver.unlink()
        driver.write_text("no link")
        self.assert_refuses("is no link", vf)
        self.assert_passes()

    def test_nothing_heavy_is_imported(self):
        script = "import sys, vfio_lm.compute.guard.hook; print(*sys.modules)"
        modules = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
        self.assertIn("vfio_lm.compute.guard.device_state", modules)
        self.assertEqual(set(), _HEAVY & set(modules))


def look_at(root, content):
    """Ask for a domain that may be none; what is accepted has no device twice."""
    status, output, error = ask(root, content)
    assert len(error.splitlines()) == (status == hook.REFUSED), error
    assert error.strip().isprintable(), error
    assert not output
    if status == hook.PASSED and b"hostdev" in content:
        addresses = read_devices(content).addresses
        assert len(set(addresses)) == len(addresses), addresses
    return status == hook.PASSED


def all_there(root):
    """Make a host with many of the devices that random domains have."""
    tree = sysfs_tree.SysfsTree(root)
    tree.add_libvirt()
    for domain in ("0000", "0001"):
        for slot in ("00", "01"):
            for function in range(8):
                tree.add_function(
                    f"{domain}:81:{slot}.{function}", "15b3", "101e", driver="mlx5_vfio_pci"
                )
    return root


class TestAnyInput(testtools.TestCase):
    """No traceback and no device twice, whatever libvirt gives."""

    def setUp(self):
        super().setUp()
        self.root = all_there(self.useFixture(fixtures.TempDir()).path)

    @given(st.one_of(domains.BYTES, domains.BROKEN))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_any_input(self, content):
        look_at(self.root, content)


if __name__ == "__main__":  # python -m tests.unit.compute.guard.test_hook 50000
    with fixtures.TempDir() as folder:
        all_there(folder.path)
        loop("bytes", domains.BYTES, int(sys.argv[1]), lambda c: look_at(folder.path, c))
        loop("broken domains", domains.BROKEN, int(sys.argv[1]), lambda c: look_at(folder.path, c))
