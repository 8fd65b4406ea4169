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

"""A server that starts gets its devices, and a probe that has one open is waited for."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import signal
import threading
import time

import fixtures
import testtools

from vfio_lm.compute.host import claims
from vfio_lm.compute.host.claims import Claims
from vfio_lm.compute.host.unknowns import NotKnownError
from vfio_lm.pci import PciAddress

A, B, C = (PciAddress.parse(f"0000:81:00.{number}") for number in range(3))


class TestClaims(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.time = time.time()
        self.claims = Claims(self.root, lambda: self.time)

    def is_open_to_a_probe(self, *addresses: PciAddress) -> bool:
        try:
            with self.claims.kept_off(addresses):
                return True
        except NotKnownError as exc:
            self.said = str(exc)
            return False

    def test_a_device_without_a_claim_may_be_opened_again_and_again(self) -> None:
        for _ in range(2):
            self.assertTrue(self.is_open_to_a_probe(A, B))

    def test_a_claimed_device_is_left_alone_and_so_is_its_group(self) -> None:
        self.claims.claim([B])
        self.assertTrue(self.is_open_to_a_probe(A, C))
        self.assertFalse(self.is_open_to_a_probe(A, B))
        self.assertEqual(f"a server that gets {B} is starting, so it is not opened", self.said)

    def test_a_claim_counts_for_a_minute_and_then_again(self) -> None:
        self.claims.claim([A])
        self.time += 59
        self.assertFalse(self.is_open_to_a_probe(A))
        self.time += 2
        self.assertTrue(self.is_open_to_a_probe(A))
        self.claims.claim([A])
        self.assertFalse(self.is_open_to_a_probe(A))

    def test_a_claim_of_the_future_does_not_count_for_ever(self) -> None:
        self.claims.claim([A])
        self.time -= 3600
        self.assertTrue(self.is_open_to_a_probe(A))

    def test_a_server_waits_until_the_probe_has_closed_its_device(self) -> None:
        claimed = threading.Event()

        def claim() -> None:
            self.claims.claim([A, B])
            claimed.set()

        server = threading.Thread(target=claim)
        with self.claims.kept_off([B]):
            server.start()
            self.assertFalse(claimed.wait(0.2))
        server.join(60)
        self.assertTrue(claimed.is_set())

    def test_a_probe_that_hangs_is_not_waited_for_without_end(self) -> None:
        self.useFixture(fixtures.MonkeyPatch(f"{claims.__name__}._LONGEST_WAIT_SECONDS", 0.1))
        with self.claims.kept_off([A]):
            self.claims.claim([A])

    def test_a_killed_probe_leaves_no_lock(self) -> None:
        context = multiprocessing.get_context("fork")
        ready = context.Event()

        def probe() -> None:
            with self.claims.kept_off([A]):
                ready.set()
                signal.pause()

        process = context.Process(target=probe)
        process.start()
        self.assertTrue(ready.wait(60))
        self.assertFalse(self.is_open_to_a_probe(A))
        self.assertEqual(f"another probe has {A} open", self.said)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        self.assertTrue(self.is_open_to_a_probe(A))

    def test_a_server_that_comes_between_the_look_and_the_opening_waits(self) -> None:
        """Whoever is first with the file, one of the two sees the other."""
        with self.claims.kept_off([A]):
            self.useFixture(fixtures.MonkeyPatch(f"{claims.__name__}._LONGEST_WAIT_SECONDS", 0))
            self.claims.claim([A])
        self.assertFalse(self.is_open_to_a_probe(A))

    def test_where_claims_cannot_be_written_nothing_is_opened(self) -> None:
        pathlib.Path(self.root, "run").write_text("no folder")
        self.assertFalse(self.is_open_to_a_probe(A))
        self.assertIn("cannot be written: Not a directory", self.said)
        self.assertRaises(OSError, self.claims.claim, [A])

    def test_a_link_in_place_of_a_claim_is_not_followed(self) -> None:
        self.claims.claim([A])
        path = pathlib.Path(self.root, claims.FOLDER, str(A))
        path.unlink()
        path.symlink_to("/etc/passwd")
        self.assertFalse(self.is_open_to_a_probe(A))
        self.assertRaises(OSError, self.claims.claim, [A])
