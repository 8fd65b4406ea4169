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

"""A VFIO driver is asked through a group or iommufd, with the numbers of the kernel's header."""

import errno
import os
import pathlib
import re
import struct
import subprocess
import tempfile

import testtools

from vfio_lm.compute.host import vfio
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci import PciAddress
from vfio_lm.pci.migratability import MigrationFlags

_ADDRESS = PciAddress.parse("0000:81:00.1")
_HEADER = pathlib.Path("/usr/include/linux/vfio.h")
_NAMES = [name for name in dir(vfio) if re.match("VFIO_[A-Z]", name) and name != "VFIO_BASE"]
_MIGRATION, _DMA_LOGGING_START, _MIG_DATA_SIZE = 1, 6, 9


class FakeKernel:
    """Answers the ioctls of one VFIO device, and notes what was asked."""

    def __init__(self, folder, features, *, viable=True, fails=None):
        self.folder = pathlib.Path(folder)
        self.features = features
        self.viable = viable
        self.fails = fails or {}
        self.calls = []
        self.open = {}

    def node(self, path):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def open_node(self, path):
        name = os.path.relpath(path, self.folder)
        if name in self.fails:
            raise OSError(self.fails[name], os.strerror(self.fails[name]))
        number = 100 + len(self.calls)
        self.calls.append(f"open {name}")
        self.open[number] = name
        return number

    def close(self, number):
        del self.open[number]

    def ioctl(self, number, request, argument):
        name = next(
            each for each in _NAMES if getattr(vfio, each) == request and "_BASE" not in each
        )
        self.calls.append(name)
        if name in self.fails:
            raise OSError(self.fails[name], os.strerror(self.fails[name]))
        if name == "VFIO_GROUP_GET_STATUS":
            struct.pack_into("=I", argument, 4, int(self.viable))
        if name == "VFIO_GROUP_GET_DEVICE_FD":
            assert bytes(argument) == b"0000:81:00.1\0"
            self.open[99] = "device"
            return 99
        if name == "VFIO_DEVICE_FEATURE":
            self._feature(argument)
        return 0

    def _feature(self, argument):
        size, flags = struct.unpack_from("=II", argument)
        assert size == len(argument)
        feature = flags & 0xFFFF
        if feature not in self.features:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        if isinstance(self.features[feature], OSError):
            raise self.features[feature]
        if flags & vfio.VFIO_DEVICE_FEATURE_GET:
            struct.pack_into("=Q", argument, 8, self.features[feature])

    def devices(self):
        return vfio.VfioDevices(
            str(self.folder), ioctl=self.ioctl, open_node=self.open_node, close=self.close
        )

    def ask(self, group=40, node="vfio0"):
        return self.devices().ask_device(_ADDRESS, group, node)


class TestNumbers(testtools.TestCase):
    def test_they_are_those_of_the_installed_header(self):
        if not _HEADER.exists():
            self.skipTest("linux-libc-dev is not installed")
        text = _HEADER.read_text()
        known = [name for name in _NAMES if re.search(rf"define\s+{name}\b", text)]
        # Older headers lack the newest names, never these.
        self.assertIn("VFIO_DEVICE_FEATURE_DMA_LOGGING_START", known)
        source = "\n".join(["#include <linux/vfio.h>", *(f"{name} == {name}" for name in ())])
        lines = "\n".join(f'"{name}" {name}' for name in known)
        done = subprocess.run(
            ["cpp", "-P", "-"], input=f"{source}\n{lines}\n", capture_output=True, text=True
        )
        if done.returncode:
            self.skipTest(f"no C preprocessor: {done.stderr}")
        found = dict(re.findall(r'^"(VFIO_\w+)" (.*)$', done.stdout, re.MULTILINE))
        self.assertEqual(set(known), set(found))
        for name, expression in found.items():
            self.assertEqual(getattr(vfio, name), _value(expression), name)

    def test_low_power_features_are_not_taken_for_dma_logging(self):
        # Linux 6.1 to 6.18: a probe of 3 to 5 succeeds on plain vfio-pci.
        self.assertEqual(
            (1, 6, 9),
            (
                vfio.VFIO_DEVICE_FEATURE_MIGRATION,
                vfio.VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
                vfio.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
            ),
        )


def _value(expression):
    """Evaluate what _IO(type, number) and the like expand to, with C's casts left out."""
    text = re.sub(r"sizeof\([^)]*\)|\(\s*unsigned int\s*\)", "", expression)
    text = text.replace("';'", str(ord(";"))).replace("0U", "0")
    text = re.sub(r"(?<=\d)U\b", "", text)
    assert re.fullmatch(r"[\d\s()<|+x]*", text), text
    return eval(text)


class TestAskDevice(testtools.TestCase):
    def kernel(self, features=None, *, nodes=("vfio/40", "vfio/vfio"), **options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        kernel = FakeKernel(folder.name, features or {}, **options)
        for node in nodes:
            kernel.node(node)
        # Whatever happens, nothing stays open: an open device could not be given to a server.
        self.addCleanup(lambda: self.assertEqual({}, kernel.open))
        return kernel

    def test_every_flag_through_a_group(self):
        kernel = self.kernel({_MIGRATION: 7, _DMA_LOGGING_START: 0, _MIG_DATA_SIZE: 5 << 32})
        answers = kernel.ask()
        self.assertEqual(MigrationFlags(True, True, True), answers.migration)
        self.assertTrue(answers.logs_dma)
        self.assertEqual(5 << 32, answers.state_size_bytes)

    def test_a_driver_without_migration_answers_no_and_not_unknown(self):
        answers = self.kernel().ask()
        self.assertEqual(MigrationFlags(), answers.migration)
        self.assertFalse(answers.logs_dma)
        self.assertIsNone(answers.state_size_bytes)

    def test_a_driver_without_p2p(self):
        self.assertEqual(
            MigrationFlags(stop_copy=True), self.kernel({_MIGRATION: 1}).ask().migration
        )

    def test_the_group_is_opened_before_anything_else(self):
        kernel = self.kernel()
        kernel.ask()
        self.assertEqual(["open vfio/40", "VFIO_GROUP_GET_STATUS"], kernel.calls[:2])

    def test_without_a_group_the_device_is_bound_to_iommufd(self):
        kernel = self.kernel({_MIGRATION: 3}, nodes=("vfio/devices/vfio0", "iommu"))
        self.assertEqual(MigrationFlags(True, True), kernel.ask().migration)
        self.assertEqual(
            ["open vfio/devices/vfio0", "open iommu", "VFIO_DEVICE_BIND_IOMMUFD"], kernel.calls[:3]
        )

    def test_a_group_in_use_says_busy_and_nothing_was_done(self):
        kernel = self.kernel(fails={"vfio/40": errno.EBUSY})
        self.assertRaises(vfio.DeviceBusyError, kernel.ask)
        self.assertEqual([], kernel.calls)

    def test_a_device_in_use_through_iommufd_says_busy(self):
        kernel = self.kernel(
            nodes=("vfio/devices/vfio0", "iommu"), fails={"VFIO_DEVICE_BIND_IOMMUFD": errno.EBUSY}
        )
        self.assertRaises(vfio.DeviceBusyError, kernel.ask)

    def test_a_group_with_a_device_on_another_driver_is_left_alone(self):
        kernel = self.kernel(viable=False)
        said = str(self.assertRaises(NotKnownError, kernel.ask))
        self.assertIn("IOMMU group 40 cannot be used", said)
        self.assertNotIn("VFIO_GROUP_SET_CONTAINER", kernel.calls)

    def test_a_device_that_does_not_open_leaves_nothing_open(self):
        kernel = self.kernel(fails={"VFIO_GROUP_GET_DEVICE_FD": errno.EIO})
        said = str(self.assertRaises(NotKnownError, kernel.ask))
        self.assertEqual("device 0000:81:00.1 cannot be opened: Input/output error", said)

    def test_another_error_than_absence_of_a_feature_is_not_taken_for_a_no(self):
        kernel = self.kernel({_MIGRATION: OSError(errno.EIO, "Input/output error")})
        self.assertRaises(NotKnownError, kernel.ask)

    def test_no_node_at_all(self):
        said = str(self.assertRaises(NotKnownError, self.kernel(nodes=()).ask))
        self.assertIn("neither for IOMMU group 40 nor for the device", said)


class TestKernelIoctl(testtools.TestCase):
    def test_the_real_kernel_refuses_vfio_requests_on_another_file(self):
        with open(os.devnull) as file:
            exc = self.assertRaises(
                OSError, vfio.kernel_ioctl, file.fileno(), vfio.VFIO_DEVICE_FEATURE, bytearray(8)
            )
        self.assertEqual(errno.ENOTTY, exc.errno)

    def test_a_buffer_is_changed_in_place(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        os.write(write, b"abc")
        answer = bytearray(4)
        self.assertEqual(0, vfio.kernel_ioctl(read, 0x541B, answer))  # FIONREAD
        self.assertEqual(3, struct.unpack("i", answer)[0])
