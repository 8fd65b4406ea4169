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

"""Corrections that a file in site-packages turns on, in a nova-compute of each release."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import testtools

from tests.cloud import environments
from tests.packaging.bounds import TOP
from vfio_lm.inside_nova.corrections import NAMES

PTH = "vfio-lm-corrections.pth"

# nova-compute itself, but for its wait for a conductor; it ends when it asks that
# for the first time, which is after it has loaded the driver.
_NOVA_COMPUTE = """
from nova.cmd import compute
from nova.conductor import api
api.API.wait_until_ready = lambda *args, **kwargs: None
compute.main()
"""

_NOVA_CONF = """
[DEFAULT]
host = compute1
state_path = {folder}
log_file = {folder}/nova-compute.log
transport_url = fake://
rpc_response_timeout = 1
compute_driver = libvirt.LibvirtDriver

[placement]
auth_type = none
endpoint_override = http://127.0.0.1:{port}/
"""


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without what the tests' own environment turns on."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if "COVERAGE" not in name and not name.startswith(("OS_NOVA", "VFIO_LM"))
    }
    return subprocess.run(
        [str(each) for each in command],
        env=environment | {"PYTHONWARNINGS": "ignore"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@functools.cache
def wheel() -> Path:
    """Build the wheel of the tree; once for all tests of a process."""
    folder = tempfile.TemporaryDirectory()
    wheel.folder = folder  # type: ignore[attr-defined]  # as long as the process
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder.name)
    built = run(sys.executable, "-m", "pip", "wheel", *options, TOP)
    if built.returncode:
        raise AssertionError(built.stdout + built.stderr)
    (found,) = Path(folder.name).glob("*.whl")
    return found


def install(wheel: Path, prefix: Path) -> Path:
    """Make an environment with the wheel; return its Python."""
    venv.create(prefix, with_pip=False)
    python = prefix / "bin" / "python"
    pip(python, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel)
    return python


def pip(python: Path, *arguments: object) -> None:
    """Run the pip of the tests for another environment."""
    done = run(sys.executable, "-m", "pip", "--python", python, *arguments)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)


class SitePackages(testtools.TestCase):
    """The wheel is installed into an environment of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.python = install(wheel(), cls.folder / "venv")
        (cls.site,) = cls.folder.glob("venv/lib/python3*/site-packages")


class NovaCompute(SitePackages):
    """Beside a nova, which is not changed."""

    release = environments.CURRENT

    def test_all_are_applied_where_they_are_turned_on(self) -> None:
        nova = run(environments.python(self.release), "-c", "import nova; print(nova.__file__)")
        (self.site / "nova.pth").write_text(f"{Path(nova.stdout.strip()).parents[1]}\n")
        conf = self.folder / "nova.conf"
        with _placement() as port:
            conf.write_text(_NOVA_CONF.format(folder=self.folder, port=port))
            command = (self.python, "-c", _NOVA_COMPUTE, "--config-file", conf)
            done = run(*command, VFIO_LM_CORRECTIONS="all")
        self.assertEqual(1, done.returncode, done.stderr)
        log = (self.folder / "nova-compute.log").read_text()
        for name in NAMES:
            self.assertRegex(log, f"vfio-lm correction {name}: \\S+ (had|does not have) the fault")


@contextlib.contextmanager
def _placement() -> Iterator[int]:
    """Serve what nova-compute asks placement before it loads its driver: its versions."""
    server = HTTPServer(("127.0.0.1", 0), _Versions)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Versions(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        version = {"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": ""}]}
        limits = {"min_version": "1.0", "max_version": "1.39"}
        body = json.dumps({"versions": [version | limits]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        pass
