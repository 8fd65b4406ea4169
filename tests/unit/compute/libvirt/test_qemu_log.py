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

"""Refused states are found in QEMU's log, those of the last start and no others."""

import datetime

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from vfio_lm.compute.libvirt.qemu_log import scan

START = "2026-03-01 12:00:00.123+0000: starting up libvirt version: 11.3.0, qemu version: 10.0\n"
LATER_START = START.replace("12:00:00", "13:00:00")
COMMAND = "LC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=g1 \\\n-incoming defer \\\n"
#: QEMU 10.0, hw/vfio/migration.c
REFUSED = (
    "2026-03-01T12:00:05.000001Z qemu-system-x86_64: 0000:ca:00.2: Failed setting device state to "
    "RUNNING_P2P, err: Invalid argument. Recover state is ERROR. Resetting device"
)
OTHERS = (
    "qemu-system-x86_64: 0000:ca:00.2: Failed setting device in recover state, err: Input/output "
    "error. Resetting device",
    "qemu-system-x86_64: 0000:ca:00.2: Failed resetting device, err: Input/output error",
    "qemu-system-x86_64: error while loading state for instance 0x0 of device '0000:ca:00.2/vfio'",
    "qemu-system-x86_64: load of migration failed: Invalid argument",
)
UTC = datetime.UTC

LINES = st.sampled_from(
    [
        *(START, LATER_START, COMMAND, f"{REFUSED}\n", *(f"{each}\n" for each in OTHERS)),
        "2026-02-31T12:00:05.000001Z qemu-system-x86_64: warning: x\n",
        "9999-12-31T23:59:59Z\n",
        "0001-01-01 00:00:00+2359: starting up libvirt version: 1\n",
        "2026-03-01 12:00:00+9999: x\n",
        "\r\n",
        "\0",
    ]
)
LOGS = st.lists(LINES | st.text(max_size=30), max_size=20).map("".join)


class TestScan(testtools.TestCase):
    def test_a_good_migration(self):
        found = scan(START + COMMAND + "2026-03-01 12:00:00.200+0000: Domain id=1 is tainted\n")
        started_at = datetime.datetime(2026, 3, 1, 12, 0, 0, 123000, UTC)
        self.assertEqual(
            (started_at, True, ()), (found.started_at, found.is_incoming, found.refused)
        )

    def test_a_refused_state(self):
        for line in (REFUSED, *OTHERS):
            self.assertEqual((line,), scan(f"{START}{COMMAND}{line}\n").refused)

    def test_what_another_start_before_it_said_is_over(self):
        found = scan(f"{START}{COMMAND}{REFUSED}\n{LATER_START}")
        self.assertEqual((), found.refused)
        self.assertFalse(found.is_incoming)

    def test_a_log_without_its_beginning_has_no_start(self):
        found = scan(f"{REFUSED}\n")
        self.assertIsNone(found.started_at)
        self.assertEqual((REFUSED,), found.refused)

    def test_a_guest_with_a_telling_name_is_no_migration(self):
        self.assertFalse(scan(START + "-name guest=-incoming \\\n").is_incoming)

    def test_older_lines_are_left_out(self):
        text = f"{START}{COMMAND}{REFUSED}\n{OTHERS[0]}\n"
        after = datetime.datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
        self.assertEqual((REFUSED, OTHERS[0]), scan(text, after).refused)
        self.assertIsNone(scan(text, after).started_at)
        self.assertEqual((), scan(text, after.replace(minute=1)).refused)

    @given(LOGS, st.none() | st.just(datetime.datetime(2026, 3, 1, 12, 30, tzinfo=UTC)))
    @example("2026-03-01 12:00:00+9999: x", None)
    def test_any_text_is_read(self, text, since):
        found = scan(text, since)
        self.assertTrue(all(line in text for line in found.refused))

    @given(LOGS, st.sampled_from([REFUSED, *OTHERS]))
    def test_a_refusal_after_the_last_start_is_never_missed(self, text, line):
        self.assertIn(line, scan(f"{text}\n{LATER_START}{COMMAND}{line}\n").refused)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read(self, content):
        scan(content.decode(errors="replace"))
