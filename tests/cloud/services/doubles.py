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

"""What stands in for the machine around nova: nova's own test fixtures, outside a test.

Not the hypervisors. ``nova.test`` must not be imported: it changes mock and exceptions
for the whole process. nova 34.0.0.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from unittest import mock

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
from nova.tests.fixtures import libvirt as fake_libvirt
from nova.virt.libvirt import utils as libvirt_utils

from tests.cloud.services import networks, volume_view
from tests.cloud.settings import Settings

_GIB = 1 << 30
_DRIVER = "nova.virt.libvirt.driver"
_REMOTE_FILES = "nova.virt.libvirt.volume.remotefs.RemoteFilesystem"


class Doubles:
    """Takes the place of the test case that nova's fixtures expect.

    :ivar neutron: None where the cloud has a neutron.
    """

    def __init__(self, settings: Settings) -> None:
        self.neutron = None if settings.spec.neutron else networks.Networks(self)
        self.cinder = volume_view.Volumes(self)
        self._in_use: list[Any] = []

    def install(self) -> None:
        """Put all doubles into place."""
        _forget_calls_of_mocks()
        for fixture in (
            nova_fixtures.PrivsepNoHelperFixture(),
            nova_fixtures.LibvirtImageBackendFixture(),
            nova_fixtures.CGroupsFixture(),
            fake_libvirt.LibvirtFixture(),
            nova_fixtures.OSBrickFixture(),
            self.neutron,
            self.cinder,
        ):
            if fixture is not None:
                self.useFixture(fixture)
        for target, value in _replacements().items():
            self.stub_out(target, value)

    # The names are those of nova.test.TestCase, as the fixtures call them.

    def useFixture(self, fixture: Any) -> Any:  # noqa: N802
        """Set a fixture up for the life of the process."""
        fixture.setUp()
        self._in_use.append(fixture)
        return fixture

    def stub_out(self, target: str, value: Any) -> None:
        """Replace an attribute for the life of the process."""
        self.useFixture(fixtures.MonkeyPatch(target, value))

    def flags(self, group: str | None = None, **options: Any) -> None:
        """Override options of nova.conf."""
        for name, value in options.items():
            nova.conf.CONF.set_override(name, value, group)

    def addCleanup(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802
        """Do nothing: the end of the process is the only clean-up."""

    def id(self) -> str:
        """Name the test, as the fixtures want to know."""
        return "embedded-cloud"


def _create_image(self: Any, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
    """Make the directory of an instance, without a disk in it."""
    Path(libvirt_utils.get_instance_path(instance)).mkdir(exist_ok=True)
    return False, False


def _replacements() -> dict[str, Any]:
    """Give what looks at the machine's disks or addresses.

    All hosts see the disks of all servers, as with Ceph; only the instance directories
    are local. With those shared as well, nova would leave claims of PCI devices behind
    when a live migration fails (nova 34.0.0, no rollback at the destination).
    """
    return {
        f"{_DRIVER}.LibvirtDriver._create_image": _create_image,
        f"{_DRIVER}.LibvirtDriver._is_shared_block_storage": lambda *args, **kwargs: True,
        # all hosts have one address and one file system, which nova would take for
        # shared directories
        f"{_DRIVER}.LibvirtDriver._is_path_shared_with": lambda *args: False,
        f"{_DRIVER}.LibvirtDriver.check_instance_shared_storage_remote": lambda *args: False,
        f"{_REMOTE_FILES}.create_dir": lambda *args, **kwargs: None,
        f"{_REMOTE_FILES}.remove_dir": lambda *args, **kwargs: None,
        f"{_DRIVER}.LibvirtDriver._get_instance_disk_info_from_config": (
            lambda *args, **kwargs: []
        ),
        f"{_DRIVER}.LibvirtDriver._get_local_gb_info": staticmethod(
            lambda *args, **kwargs: {"total": 2048, "used": 44, "free": 2004}
        ),
        f"{_DRIVER}.LibvirtDriver._get_disk_over_committed_size_total": lambda self: 0,
        f"{_DRIVER}.libvirt_utils.is_valid_hostname": lambda name: True,
        f"{_DRIVER}.libvirt_utils.file_open": lambda *args, **kwargs: io.BytesIO(b""),
        "nova.privsep.utils.supports_direct_io": lambda path: True,
        "nova.virt.libvirt.utils.get_fs_info": lambda path: {
            "total": 2048 * _GIB,
            "free": 2048 * _GIB,
            "used": 0,
        },
        "nova.compute.utils.get_machine_ips": lambda: ["127.0.0.1"],
    }


def _forget_calls_of_mocks() -> None:
    """Let mocks answer without remembering each call.

    The fixtures are made for tests of seconds. Over hours the calls that their mocks
    record, with all arguments, would fill the memory.
    """
    mock_class: Any = mock.CallableMixin
    mock_class._increment_mock_call = lambda self, *args, **kwargs: None
