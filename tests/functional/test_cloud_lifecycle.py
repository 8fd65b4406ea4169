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

"""An embedded cloud comes up, or says why it does not, and goes without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cloud import Cloud, CloudError, CloudSpec, HostSpec
from tests.cloud.spec import to_json

ROOT = Path(__file__).parents[2]
LONGEST_WAIT = 30.0
BROKEN_SPEC = {"vendor_id": "8086", "product_id": "1515", "live_migratable": "maybe"}

#: starts a cloud in the directory of the first argument and dies
SHORT_LIVED_LAUNCHER = """
    import os, signal, sys
    from tests.cloud import Cloud
    cloud = Cloud(directory=sys.argv[1])
    cloud.start()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def processes_in(directory: Path) -> list[int]:
    """Give the processes that have the directory of a cloud as an argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if os.fsencode(directory) in arguments:
            found.append(int(path.parent.name))
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the embedded cloud."""
    return subprocess.run(
        [sys.executable, "-m", "tests.cloud", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class LifecycleTestCase(unittest.TestCase):
    """A test with a directory for a cloud of its own."""

    def setUp(self) -> None:
        """Name the directory; nothing is in it yet."""
        super().setUp()
        parent = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, parent)
        self.directory = parent / "cloud"

    def assert_nothing_left(self) -> None:
        """Assert that neither processes nor files of the cloud are left."""
        deadline = time.monotonic() + LONGEST_WAIT
        while self.directory.exists() or processes_in(self.directory):
            self.assertLess(
                time.monotonic(), deadline, f"{self.directory}: {processes_in(self.directory)}"
            )
            time.sleep(0.05)


class TestSpec(unittest.TestCase):
    """A specification survives being written down."""

    def test_json_gives_the_same_cloud(self) -> None:
        spec = CloudSpec(hosts=(HostSpec("a", products=("1515", "1520")), HostSpec("b", bus=3)))
        self.assertEqual(spec, CloudSpec.from_json(json.loads(json.dumps(to_json(spec)))))

    def test_a_misspelt_field_is_named(self) -> None:
        with self.assertRaisesRegex(ValueError, "HostSpec knows no pf; it knows .*pfs"):
            CloudSpec.from_json({"hosts": [{"name": "a", "pf": 2}]})

    def test_two_hosts_of_one_name_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "same name: a, a"):
            CloudSpec(hosts=(HostSpec("a"), HostSpec("a")))

    def test_hosts_get_different_buses(self) -> None:
        spec = CloudSpec(hosts=(HostSpec("a", bus=0x82), HostSpec("b"), HostSpec("c")))
        self.assertEqual([0x82, 0x81, 0x83], [host.bus for host in spec.with_buses().hosts])


class TestStart(LifecycleTestCase):
    """A start that fails says why and leaves nothing behind."""

    def test_the_service_that_refuses_to_start_speaks(self) -> None:
        spec = CloudSpec(hosts=(HostSpec("good"), HostSpec("bad", device_specs=(BROKEN_SPEC,))))
        with self.assertRaisesRegex(
            CloudError,
            r"(?s)^nova exited with status 1; end of .*nova\.log:.*Unrecognized value 'maybe'"
            ".*nova-compute of bad",
        ):
            Cloud(spec, self.directory).start()
        self.assert_nothing_left()

    def test_a_service_that_is_late_is_named(self) -> None:
        with self.assertRaisesRegex(CloudError, "^keystone did not start within 0 s; end of "):
            Cloud(directory=self.directory, start_timeout=0.1).start()
        self.assert_nothing_left()

    def test_files_of_others_stay(self) -> None:
        self.directory.mkdir()
        (self.directory / "precious").touch()
        with self.assertRaisesRegex(CloudError, "is not empty"):
            Cloud(directory=self.directory).start()
        self.assertTrue((self.directory / "precious").exists())

    def test_a_cloud_that_is_not_started_says_so(self) -> None:
        cloud = Cloud(directory=self.directory)
        with self.assertRaisesRegex(CloudError, "not started"):
            cloud.hosts()
        cloud.stop()

    def test_services_end_with_their_launcher(self) -> None:
        launcher = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SHORT_LIVED_LAUNCHER), str(self.directory)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(-signal.SIGKILL, launcher.returncode, launcher.stderr)
        self.assert_nothing_left()


class TestCommandLine(LifecycleTestCase):
    """A cloud for people."""

    def exports(self, output: str) -> Mapping[str, str]:
        """Give the environment variables that the output sets."""
        lines = [each for each in output.splitlines() if each.startswith("export ")]
        return dict(each.removeprefix("export ").split("=", 1) for each in lines)

    def test_up_status_down(self) -> None:
        where = ("--dir", str(self.directory))
        up = run("up", "--hosts", "1", "--no-network-endpoint", *where)
        self.addCleanup(run, "down", *where)
        self.assertEqual(0, up.returncode, up.stderr)
        self.assertEqual("embedded", self.exports(up.stdout)["OS_CLOUD"])
        self.assertIn(f"down --dir {self.directory}", up.stdout)

        status = run("status", *where)
        self.assertRegex(status.stdout, r"compute1 +running")
        self.assertEqual(self.exports(up.stdout), self.exports(status.stdout))

        cloud = Cloud.attach(self.directory)
        client: Any = cloud.connection()
        types = {each.type for each in client.identity.services()}
        self.assertEqual({"identity", "compute", "placement", "image"}, types)

        for process in processes_in(self.directory)[:1]:
            os.kill(process, signal.SIGKILL)
        status = run("status", *where)
        self.assertEqual(1, status.returncode)
        self.assertIn("NOT RUNNING", status.stdout)
        with self.assertRaisesRegex(CloudError, "does not run; end of "):
            cloud.hosts()

        down = run("down", *where)
        self.assertEqual(0, down.returncode, down.stderr)
        self.assert_nothing_left()

    def test_a_cloud_can_be_read_from_a_file(self) -> None:
        broken = {"hosts": [{"name": "bad", "device_specs": [BROKEN_SPEC]}]}
        path = self.directory.with_suffix(".json")
        path.write_text(json.dumps(broken))
        up = run("up", "--spec", str(path), "--dir", str(self.directory))
        self.assertEqual(1, up.returncode)
        self.assertIn("Unrecognized value 'maybe'", up.stderr)
        self.assert_nothing_left()

    def test_there_must_be_a_cloud_to_take_down(self) -> None:
        down = run("down", "--dir", str(self.directory))
        self.assertEqual(1, down.returncode)
        self.assertIn(f"there is no embedded cloud in {self.directory}", down.stderr)
