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

"""The script alone answers as the package does, with any Python, and stops nothing without one."""

from __future__ import annotations

import ast
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import fixtures
import testtools

from tests import sysfs_tree
from tests.unit.compute import domains
from tests.unit.compute.guard.test_hook import OTHER_UUID, HookTestCase, ask
from vfio_lm.compute.guard import hook, script

_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": "/"}
_PYTHONS = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13")
_SHELLS = ("dash", "bash", "busybox")
_ABSENT = domains.domain("ffff:ff:1f.7").xml().encode()
_WITHOUT = b"<domain><name>guest</name><devices/></domain>"
_NAMED = _WITHOUT.replace(b"guest", b"hostdev &apos;hostdev&apos; &lt;hostdev")
_LONGEST = 8 * 1024 * 1024


def pythons() -> list[str]:
    """Return the interpreters that are here, without the environments around them."""
    found = [os.path.realpath(sys.executable), *map(shutil.which, _PYTHONS)]
    return sorted({path for path in found if path and "shims" not in path})


def shells() -> list[tuple[str, ...]]:
    """Return the shells that may be behind ``/bin/sh`` and are here."""

    found = {name: shutil.which(name) for name in _SHELLS}
    return [
        (path, *(("sh",) if name == "busybox" else ("--posix",) if name == "bash" else ()))
        for name, path in found.items()
        if path
    ]


def render_for(root: pathlib.Path, python: str) -> str:
    """Return the script with the files of a host below a root in place of this one's."""
    streams = "sys.stdin.buffer, sys.stdout.buffer, sys.stderr"
    call = f'answer(sys.argv[1:], {streams}, root="{root}", owner={os.geteuid()})'
    text = script.render(python).replace("/run/vfio-lm", f"{root}/run/vfio-lm")
    head, _, tail = text.rpartition("import main")
    return head + "import answer" + tail.replace("main()", call)


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield domains with what is wrong with them; the devices are those of ``make_host``."""
    vf, other, held, plain = (f"0000:81:00.{number}" for number in range(1, 5))
    yield "no device", _WITHOUT
    yield "a device that can take it", domains.domain(vf, other).xml().encode()
    yield "an interface", domains.domain(vf, kind="interface").xml().encode()
    yield "absent", _ABSENT
    yield "held", domains.domain(vf, held).xml().encode()
    yield "on the plain driver", domains.domain(plain).xml().encode()
    yield "twice", domains.domain(vf, vf).xml().encode()
    yield "a map", domains.domain("0000:41:00.0", uuids=[domains.UUID]).xml().encode()
    managed = domains.domain(plain).xml().replace("managed='no'", "managed='yes'")
    yield "managed", managed.encode()
    yield "broken", b"<domain><devices><hostdev type='pci'>"
    yield "double quotes", domains.domain(vf).xml().replace("'", '"').encode()
    yield (
        "its interface in double quotes",
        (domains.domain("0000:9f:00.0", kind="interface").xml().replace("'", '"').encode()),
    )
    yield "a document type", b"<!DOCTYPE x><domain><devices><hostdev/></devices></domain>"
    yield "no XML", b"<hostdev"
    yield "nothing", b""
    yield "control characters", _ABSENT.replace(b"guest", "gu\x1b\u202eest\n".encode())
    for argument in (f"vfio-pci,host={vf}", f"vfio-pci,host={held}", "vfio-pci,host=9f:00.0"):
        element = f"<qemu:arg value='-device'/><qemu:arg value='{argument}'/>"
        text = domains.domain().xml().replace("<qemu:commandline>", f"<qemu:commandline>{element}")
        yield argument, text.encode()


class ScriptCase(HookTestCase):
    """Has the script, and a host with a free VF, a held one and one on the plain driver."""

    shell: tuple[str, ...] = ()
    """What runs the script; by default what its first line names."""

    def setUp(self) -> None:
        super().setUp()
        vfs = sysfs_tree.mlx5(self.tree, "0000:81:00.0", vfs=4)
        self.tree.hold(vfs[2], "instance-00000007", OTHER_UUID)
        self.tree.bind(vfs[3], "vfio-pci")
        self.path = self.root / "hooks" / "qemu"
        self.path.parent.mkdir()

    def write(self, python: str) -> None:
        self.path.write_text(render_for(self.root, python))
        self.path.chmod(0o755)

    def call(
        self, xml: bytes, *arguments: str, path: str = _ENVIRONMENT["PATH"], name: str = "guest"
    ) -> tuple[int, bytes, str]:
        """Call it as libvirt does; return its status, output and error."""
        done = subprocess.run(
            [*self.shell, self.path, name, *(arguments or ("migrate", "begin")), "-"],
            input=xml,
            env=_ENVIRONMENT | {"PATH": path},
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.decode()


class TestSameAsThePackage(ScriptCase):
    def test_on_every_domain_and_with_every_python(self) -> None:
        self.spool({"pci": {"0000:41:00.0": "0000:81:00.2"}})
        for python in pythons():
            self.write(python)
            for what, text in corpus():
                xml = text.rstrip() + b"\n"
                status, output, error = ask(self.root, xml)
                expected = (int(status == hook.REFUSED), output, error)
                self.assertEqual(expected, self.call(xml), f"{what}, {python}")

    def test_with_every_shell(self) -> None:
        self.write(os.path.realpath(sys.executable))
        for self.shell in shells():
            for xml, status in ((_WITHOUT, 0), (_ABSENT, 1)):
                self.assertEqual(status, self.call(xml)[0], self.shell)

    def test_the_corpus_has_both_answers_and_changed_domains(self) -> None:
        self.spool({"pci": {"0000:41:00.0": "0000:81:00.2"}})
        answers = [ask(self.root, xml) for _, xml in corpus()]
        self.assertEqual({hook.PASSED, hook.REFUSED}, {status for status, _, _ in answers})
        self.assertEqual(1, sum(bool(output) for _, output, _ in answers))

    def test_each_source_is_of_python_3_9(self) -> None:
        for path in script.source_files():
            ast.parse(pathlib.Path(path).read_text(), feature_version=(3, 9))

    def test_it_needs_nothing_but_the_standard_library(self) -> None:
        text = script.render()
        imported = {
            name.split(".")[0]
            for path in script.source_files()
            for node in ast.walk(ast.parse(pathlib.Path(path).read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        self.assertEqual({"vfio_lm"}, imported - set(sys.stdlib_module_names))
        self.assertNotIn("argparse", text)

    def test_a_claim_is_left_for_the_probe(self) -> None:
        self.write(os.path.realpath(sys.executable))
        xml = domains.domain("0000:81:00.1").xml().encode()
        for step in ("prepare", "start", "migrate"):
            self.assertEqual((0, b"", ""), self.call(xml, step, "begin"))
            (self.root / "run/vfio-lm/claims/0000:81:00.1").unlink()


class TestWithoutPython(ScriptCase):
    """What does not need Python does not start it; what needs it is refused without it."""

    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.interpreters = {
            "gone": folder / "gone",
            "denied": folder / "denied",
            "no library": folder / "no-library",
            "killed": folder / "killed",
            "another program": folder / "true",
        }
        for name, text in (
            ("denied", "#!/bin/sh\n"),
            ("no library", "#!/bin/sh\necho 'error while loading\tlibrary' >&2\nexit 127\n"),
            ("killed", "#!/bin/sh\nkill -9 $$\n"),
            ("another program", "#!/bin/sh\ncat\n"),
        ):
            self.interpreters[name].write_text(text)
            self.interpreters[name].chmod(0o644 if name == "denied" else 0o755)

    def test_a_server_without_devices_passes_whatever_is_broken(self) -> None:
        large = b"<domain>" + b" " * 1_000_000 + b"</domain>"
        for python in self.interpreters.values():
            self.write(str(python))
            for xml in (_WITHOUT, _NAMED, large, b"", b"no XML"):
                self.assertEqual((0, b"", ""), self.call(xml))

    def test_so_does_one_that_only_starts(self) -> None:
        for python in self.interpreters.values():
            self.write(str(python))
            for operation in (("prepare", "begin"), ("start", "begin"), ("release", "end")):
                self.assertEqual((0, ""), self.call(_ABSENT, *operation)[::2])

    def test_a_server_with_devices_is_refused_in_one_line(self) -> None:
        for name, python in self.interpreters.items():
            self.write(str(python))
            for self.shell in shells():
                status, _, error = self.call(_ABSENT)
                self.assertEqual(1, status, name)
                self.assertIn(f"guard {self.path} does not run with {python}, exit status", error)
                self.assertEqual(1, len(error.splitlines()), error)
                self.assertTrue(error.strip().isprintable(), error)

    def test_a_name_that_is_none_does_not_reach_the_error(self) -> None:
        self.write(str(self.interpreters["gone"]))
        _, _, error = self.call(_ABSENT, name="\x1b[31mguest")
        self.assertIn("incoming migration of a server refused", error)

    def test_without_the_usual_programs_the_shell_reads_by_itself(self) -> None:
        self.write(os.path.realpath(sys.executable))
        self.assertEqual((0, b"", ""), self.call(_WITHOUT, path="/nowhere"))
        status, _, error = self.call(_ABSENT, path="/nowhere")
        self.assertEqual(1, status)
        self.assertIn("does not exist on this host", error)

    def test_xml_beyond_the_limit_is_refused_and_not_passed(self) -> None:
        self.write(os.path.realpath(sys.executable))
        for filler in (b" ", b"<hostdev/>"):
            xml = _WITHOUT + filler * (_LONGEST // len(filler))
            status, _, error = self.call(xml)
            self.assertEqual(1, status)
            self.assertIn("its XML exceeds 8 MiB", error)
            self.assertEqual(0, self.call(xml, "start", "begin")[0])

    def test_a_call_is_noted(self) -> None:
        self.write(str(self.interpreters["gone"]))
        self.call(_WITHOUT, "release", "end", name=script.TRIAL)
        called = self.root / "run/vfio-lm/called"
        self.assertFalse(called.exists())
        self.call(_WITHOUT, "release", "end")
        self.assertTrue(called.exists())


class TestRender(testtools.TestCase):
    def test_an_interpreter_with_blanks_and_quotes_in_its_path(self) -> None:
        self.assertIn("\npython='/my python'\n", script.render("/my python"))

    def test_no_path_of_this_machine_is_in_it(self) -> None:
        self.assertNotIn(os.fspath(pathlib.Path(__file__).parents[4]), script.render())
