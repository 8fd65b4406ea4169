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

"""``vfio-lm-host remap`` writes the whole result or nothing."""

import os
import pathlib
import subprocess
import sys

import testtools

from tests.unit.compute import domains
from vfio_lm.compute.domain.schema import LIBVIRT_SCHEMA

A, B = "0000:81:00.1", "0000:81:00.2"
X, Y = "a297db4a-f4c2-11e6-90f6-d3b88d6c9525", "b297db4a-f4c2-11e6-90f6-d3b88d6c9525"


def remap(content, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "vfio_lm.compute", "remap", *arguments],
        input=content,
        capture_output=True,
        check=False,
    )


class TestRemapCommand(testtools.TestCase):
    def assert_error(self, text, content, *arguments):
        finished = remap(content, *arguments)
        self.assertEqual((1, b""), (finished.returncode, finished.stdout))
        self.assertIn(text, finished.stderr.decode())
        self.assertEqual(1, len(finished.stderr.splitlines()))

    def test_the_result_is_written_as_it_is(self):
        domain = domains.domain(A, B, uuids=[X])
        finished = remap(
            domain.xml().encode(),
            *("--strict", "--map", f"{A}={B}", "--map", f"{B}={A}", "--mdev", f"{X}={Y}"),
        )
        self.assertEqual((0, b""), (finished.returncode, finished.stderr))
        self.assertEqual(domain.xml([*reversed(domain.addresses)], [Y]), finished.stdout.decode())

    def test_an_error_leaves_the_output_empty(self):
        content = domains.domain(A, B).xml().encode()
        self.assert_error(f"--map {A}: write SRC=DST", content, "--map", A)
        self.assert_error("has been given already", content, *("--map", f"{A}={B}") * 2)
        self.assert_error("not of the form", content, "--map", f"{A}=x")
        self.assert_error(f"{B} of the domain is not in", content, "--strict", "--map", f"{A}={A}")
        self.assert_error("is not UTF-8", "<domain é='1'/>".encode("latin-1"))
        self.assert_error("is larger than 8 MiB", b" " * 8_388_609)

    def test_the_case_of_a_second_vf_in_an_argument_of_qemu(self):
        content = (pathlib.Path(__file__).parents[1] / "cases" / "qemu-arg.xml").read_bytes()
        options = ("--map", "0000:00:02.1=0000:00:02.3")
        self.assert_error("passes 0000:00:02.2 to QEMU", content, "--strict", *options)
        self.assertEqual(0, remap(content, *options).returncode)

    def test_the_result_is_checked_against_libvirts_schema(self):
        if not os.path.exists(LIBVIRT_SCHEMA):
            self.skipTest(f"libvirt's schema is not here: {LIBVIRT_SCHEMA}")
        content = domains.domain(A).xml().encode()
        finished = remap(content, "--validate", "--map", f"{A}={B}")
        self.assertEqual((0, b""), (finished.returncode, finished.stderr))
        wrong = content.replace(b"<memory", b"<memroy").replace(b"</memory", b"</memroy")
        finished = remap(wrong, "--validate", "--map", f"{A}={B}")
        self.assertEqual(0, finished.returncode)
        self.assertIn(b"did not follow libvirt's schema before it was changed", finished.stderr)
