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

"""``vfio-lm-host hook status`` looks through a real libvirtd that has mounts of its own.

Such a daemon stands for one in a container: it has its own ``/etc/libvirt``, and no Python.
"""

from __future__ import annotations

import os
import subprocess

from tests.libvirt import base, hosts
from vfio_lm.compute.guard.daemon import HOOKS

_NOT_WORKING = 3
_XML = base.domain_xml([])

_CONTAINER = """\
set -e
cd "$1"
mount -t tmpfs -o mode=755 etc /etc/libvirt
cp etc/*.conf /etc/libvirt
mkdir /etc/libvirt/hooks
cp -r /run/bin run
mount --bind run /run
mount --bind lib /var/lib/libvirt
mount --bind log /var/log/libvirt
touch booted
exec /usr/sbin/libvirtd --pid-file /run/libvirtd.pid
"""


class Container:
    """A second libvirtd on a host, with mounts of its own.

    :param host: whose processes it sees, and which sees it
    """

    def __init__(self, host: hosts.LibvirtHost) -> None:
        self.host = host
        self.folder = host.folder.parent / "c"
        for each in ("etc", "run/libvirt", "run/lock", "lib", "log"):
            (self.folder / each).mkdir(parents=True, exist_ok=True)
        for name in ("libvirtd.conf", "qemu.conf"):
            text = (host.folder / "etc" / name).read_text()
            text = text.replace("listen_tcp = 1", "listen_tcp = 0")
            (self.folder / "etc" / name).write_text(text)
        command = ("unshare", "--mount", "--propagation", "private", "sh", "-c", _CONTAINER)
        self.process = host.popen(*command, "container", str(self.folder))
        hosts.wait_for("the container's libvirtd runs", self._is_running)

    def _is_running(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(self.process.communicate())
        return (self.folder / "run/libvirtd.pid").exists()

    @property
    def pid(self) -> str:
        """As the host numbers it."""
        return (self.folder / "run/libvirtd.pid").read_text().strip()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        return self.host.run("nsenter", "--target", self.pid, "--mount", "--", *command)

    def stop(self) -> None:
        self.host.run("kill", self.pid)
        self.process.communicate(timeout=hosts.SECONDS)


class TestStatus(base.LibvirtTestCase):
    """The host's libvirtd runs all the time, the container's for each test."""

    def setUp(self) -> None:
        super().setUp()
        self.host = self.destination_host
        self.container = Container(self.host)
        self.addCleanup(self.container.stop)
        self.addCleanup(self.hook, "uninstall")

    def hook(self, *arguments: str) -> tuple[int, str]:
        done = self.host.vfio_lm_host("hook", *arguments)
        return done.returncode, done.stdout + done.stderr

    def said(self, text: str, pid: str) -> str:
        """Return what is said of a daemon."""
        return "\n".join(line for line in text.splitlines() if f"(process {pid})" in line)

    @property
    def host_pid(self) -> str:
        return (self.host.folder / "run/libvirtd.pid").read_text().strip()

    def test_the_folder_is_not_mounted(self) -> None:
        self.hook("install")
        status, text = self.hook("status")
        self.assertEqual(_NOT_WORKING, status)
        said = self.said(text, self.container.pid)
        self.assertIn("with mounts of its own: does not see /etc/libvirt/hooks/qemu.d", said)
        self.assertIn("on this host: runs", self.said(text, self.host_pid))

    def test_the_folder_is_mounted_and_there_is_no_python(self) -> None:
        self.hook("install")
        self.mount()
        hidden = os.path.dirname(os.path.realpath(self.python()))
        self.container.run("mount", "-t", "tmpfs", "none", hidden).check_returncode()
        status, text = self.hook("status")
        self.assertEqual(_NOT_WORKING, status)
        said = self.said(text, self.container.pid)
        self.assertIn("does not work there: the guard does not refuse", said)
        self.assertIn(f"does not run with {self.python()}, exit status 127", said)
        # Nor is it installed again, now that the container sees what is tried out.
        self.hook("uninstall")
        status, text = self.hook("install")
        self.assertEqual(1, status)
        self.assertIn("not installed: the guard does not refuse", text)
        self.assertEqual(_NOT_WORKING, self.hook("status")[0])

    def test_the_guard_is_rendered_into_the_image(self) -> None:
        rendered = self.host.vfio_lm_host("hook", "render").stdout
        path = self.container.folder / "guard"
        path.write_text(rendered)
        path.chmod(0o755)
        self.container.run("cp", "-p", str(path), f"{HOOKS}/qemu").check_returncode()
        self.hook("install")
        said = self.said(self.hook("status")[1], self.container.pid)
        self.assertIn(f"runs {HOOKS}/qemu once it has looked for hooks again: 'kill -HUP", said)
        self.host.run("kill", "-HUP", self.container.pid).check_returncode()
        self.wait_for_call()
        said = self.said(self.hook("status")[1], self.container.pid)
        self.assertIn("does not share /var/lib/vfio-lm/remap with this host", said)

    def test_no_daemon_runs(self) -> None:
        self.hook("install")
        # As in a container that does not see the processes of its host.
        unshare = ("unshare", "--pid", "--fork", "--mount-proc")
        done = self.host.run(*unshare, *hosts.vfio_lm_host("hook", "status"))
        self.assertEqual(_NOT_WORKING, done.returncode)
        self.assertIn("/etc/libvirt/hooks/qemu.d/vfio-lm: installed\n", done.stdout)
        self.assertIn("no libvirtd or virtqemud runs here now, so it is unknown", done.stdout)

    def wait_for_call(self) -> None:
        """Start a domain in the container until its libvirtd has called the hook."""
        socket = self.container.folder / "run/libvirt/libvirt-sock"
        path = self.container.folder / "g1.xml"
        path.write_text(_XML)
        uri = f"qemu:///system?socket={socket}"

        def is_called() -> bool:
            self.host.run("virsh", "-c", uri, "create", str(path))
            self.host.run("virsh", "-c", uri, "destroy", "g1")
            return "last at" in self.said(self.hook("status")[1], self.container.pid)

        hosts.wait_for("the container's libvirtd calls the hook", is_called)

    def mount(self) -> None:
        """Mount the host's folder of hooks into the container."""
        hooks = str(self.host.folder / "etc/hooks")
        self.container.run("mount", "--bind", hooks, HOOKS).check_returncode()

    def python(self) -> str:
        """Return the interpreter that the installed guard names."""
        text = (self.host.folder / "etc/hooks/qemu.d/vfio-lm").read_text()
        return text.split("\npython=", 1)[1].splitlines()[0]
