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

"""vfio-lm-nova on the embedded cloud, held against what nova then does; no tests."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.cloud import HostSpec, environments
from tests.cloud.administrator import Moved, wait_for
from tests.cloud.errors import CloudError
from tests.functional.base import ALIAS_ANY, ALIAS_YES, YES, CloudTestCase, Finished
from vfio_lm.pci.nova_word import Ending, NovaAnswer, NovaWord, parse_nova_word

#: Traits of the first PF of each host, on NUMA node 0, and of the second, on NUMA node 1.
NEAR = "HW_PCI_LIVE_MIGRATABLE,CUSTOM_NEAR"
GOOD = "HW_PCI_LIVE_MIGRATABLE,CUSTOM_GOOD"

ROOT = pathlib.Path(__file__).parents[2]
_LONGEST = 120


class NovaProcess:
    """A vfio-lm-nova that answers questions until it is closed."""

    def __init__(self, command: Sequence[str | os.PathLike[str]], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = self._line()
        if ready != {"ready": True}:
            raise AssertionError(f"vfio-lm-nova is not ready: {ready}")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, **question: Any) -> NovaWord:
        """Ask a question."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._line()
        if "error" in answer:
            raise AssertionError(answer["error"])
        return parse_nova_word(json.dumps(answer), "vfio-lm-nova")

    def close(self) -> None:
        """End the process, as the end of a nova-api does."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(_LONGEST)

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "ended"}')
        return line


class DryRunTestCase(CloudTestCase):
    """Two NUMA nodes on each host, with a PF of two VFs on each."""

    hosts = tuple(
        HostSpec(
            f"compute{number}",
            pfs=2,
            vfs=2,
            bus=0x80 + number,
            device_specs=(
                YES | {"address": f"0000:{0x80 + number:x}:00.*", "traits": NEAR},
                YES | {"address": f"0000:{0x80 + number:x}:01.*", "traits": GOOD},
            ),
        )
        for number in (1, 2, 3)
    )
    aliases = (
        ALIAS_YES,
        ALIAS_ANY,
        ALIAS_YES | {"name": "vf-near", "traits": NEAR},
        ALIAS_YES | {"name": "vf-good", "traits": GOOD},
    )

    def setUp(self) -> None:
        super().setUp()
        self._process: NovaProcess | None = None
        self.addCleanup(self.forget_process)

    @property
    def command(self) -> list[str]:
        """The command with the nova.conf of the controller."""
        python = environments.python(self.release)
        conf = self.cloud.nova_conf()
        return [str(python), "-m", "vfio_lm.inside_nova.main", "--config-file", str(conf)]

    @property
    def environ(self) -> dict[str, str]:
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OS_", "COVERAGE_"))
        }

    def vfio_lm_nova(self, *arguments: str) -> Finished:
        """Run the command once."""
        finished = subprocess.run(
            [*self.command, *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def word(self, **question: Any) -> NovaWord:
        """Ask a process that stays, so that a test does not wait for its start each time."""
        if self._process is None:
            self._process = NovaProcess([*self.command, "--serve"], self.environ)
        return self._process.ask(**question)

    def forget_process(self) -> None:
        """Let the next question be asked of a new process, which reads nova.conf."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def answer(self, server: str, host: str | None = None) -> NovaAnswer:
        """Ask about a live migration."""
        word = self.word(servers=[server], host=host)
        self.assertEqual((), word.omissions)
        (answer,) = word.answers
        return answer

    def hold(self, server: str, host: str | None = None) -> NovaAnswer:
        """Ask about a live migration, let nova do it, and hold one against the other.

        A server that nova puts into ERROR is ACTIVE again afterwards.
        """
        answer = self.answer(server, host)
        moved = self.admin.live_migrate(server, host)
        said = {"answer": answer, "moved": moved}
        self.assertIn(answer.ending, (Ending.DEPENDS, *self._endings(moved)), said)
        if moved.is_done and host is None:
            destination = answer.destination(moved.host)
            self.assertIsNotNone(destination, said)
            self.assertTrue(destination.may_be_chosen, said)
        if moved.is_broken:
            self.admin.act(server, {"os-resetState": {"state": "active"}})
        return answer

    def hold_both(self, server: str, host: str = "compute2") -> NovaAnswer:
        """Hold a live migration that names a host, then one that names none.

        :returns: the answer about the named host
        """
        before = self.answer(server)
        named = self.hold(server, host)
        destination = before.destination(host)
        expected = destination.ending if destination else before.ending
        self.assertIn(expected, (named.ending, Ending.UNKNOWN), (before, named))
        self.bring_back(server, before.source)
        self.hold(server)
        self.bring_back(server, before.source)
        return named

    def bring_back(self, server: str, host: str | None) -> None:
        """Move a server to where it was, and let nova learn what it learns late of moves."""
        self.cloud.forget_moves()
        if self.host_of(server) != host:
            moved = self.admin.live_migrate(server, host)
            self.assertEqual(host, moved.host, moved)
            self.cloud.forget_moves()

    @staticmethod
    def _endings(moved: Moved) -> tuple[Ending, ...]:
        if moved.is_broken:
            return (Ending.ERROR,)
        # Nova does not notice that a guest has devices that are not its own.
        return (Ending.ACCEPTED, Ending.MISMAPPED) if moved.is_done else (Ending.REFUSED,)

    def resized(self, server: str, flavor: str) -> None:
        """Resize a server, and leave it unconfirmed."""
        self.admin.act(server, {"resize": {"flavorRef": flavor}})
        wait_for("it is resized", lambda: self.show(server)["status"] == "VERIFY_RESIZE")

    def booted(self, flavor: str, host: str | None = None, **fields: Any) -> str | None:
        """Create a server; None if there is no place for it."""
        try:
            return self.boot(flavor, host, **fields)
        except CloudError:
            return None
