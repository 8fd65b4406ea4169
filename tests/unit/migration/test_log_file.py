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

"""What the log files of nova and QEMU say about a live migration."""

import os
import pathlib
import tempfile

import testtools
from hypothesis import given
from hypothesis import strategies as st

from tests import corpus
from tests.unit.error_texts.examples import EXAMPLES
from tests.unit.migration.records import REQUEST, SERVER, migration
from vfio_lm.error_texts import Certainty
from vfio_lm.migration import Attempt, explain
from vfio_lm.migration.causes import known_causes
from vfio_lm.migration.log_file import LogError, read_log

OTHER_REQUEST = f"req-{'0' * 8}-0000-0000-0000-{'0' * 12}"
PREFIX = "2026-11-24 04:08:15.632 11185 ERROR nova.virt.libvirt.driver"
FAILURE = "Live Migration failure: VFIO migration is not supported in kernel"

#: As a nova-compute logs what libvirt hands on of a QEMU that ended.
OF_QEMU = (
    "Live Migration failure: internal error: QEMU unexpectedly closed the monitor "
    "(vm='instance-00000001'): 2026-11-26T10:22:11.1Z qemu-kvm: warning: vfio 0000:82:00.1: no "
    "available reset mechanism",
    "2026-11-26T10:22:12.1Z qemu-kvm: 0000:82:00.1: Failed setting device state to RESUMING, err: "
    "Invalid argument",
    "2026-11-26T10:22:12.2Z qemu-kvm: load of migration failed: Invalid argument",
)

#: Of a log: heads, texts that are known, line ends of every kind, and any bytes.
_PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([text.encode() for text in (*EXAMPLES.values(), *OF_QEMU)]),
    st.sampled_from(
        [
            f"{PREFIX} [None {REQUEST} user] [instance: {SERVER}] ".encode(),
            f"{PREFIX} [-] ".encode(),
            b"Traceback (most recent call last):",
        ]
    ),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\x00", b"\x85", b"\xff\xfe"]),
)


class TestMultiLineLog(testtools.TestCase):
    """The log of a nova-compute whose QEMU says in a later line what happened."""

    def test_the_refusal_stands_in_a_line_that_goes_on(self):
        words = read_log(
            str(corpus.FOLDER / "multi-line-log" / "nova-compute.log"),
            "4dfcaed7-6d6f-40db-b066-3ff2e9ebae01",
            "req-8d8a370a-ac24-473c-af34-4a41dcc153a4",
        )
        found = {cause.id: cause for cause in known_causes(words)}
        self.assertIs(Certainty.CERTAIN, found["state-refused"].certainty)
        self.assertIn("Failed setting device state to RESUMING", found["state-refused"].evidence[0])


class TestAnyLog(testtools.TestCase):
    """Noise, records of several lines and odd bytes cause no traceback."""

    @given(st.lists(_PIECES, max_size=12))
    def test_it_is_read_and_explained(self, pieces):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"".join(pieces))
            file.flush()
            words = read_log(file.name, SERVER, REQUEST)
        explanation = explain(Attempt(migration=migration(), action=None, log=words))
        for cause in explanation.causes:
            self.assertNotIn("\n", "".join(cause.evidence))


class TestReadLog(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "nova-compute.log"

    def read(self, *lines):
        self.path.write_text("\n".join(lines))
        return read_log(str(self.path), SERVER, REQUEST)

    def facts(self, words):
        return words.text, words.is_of_this_migration, words.is_error

    def test_lines_of_the_request_are_about_this_migration(self):
        (words,) = self.read(
            f"{PREFIX} [None {OTHER_REQUEST}] [instance: {SERVER}] older",
            f"{PREFIX} [None {REQUEST} user] [instance: {SERVER}] {FAILURE}",
            f"{PREFIX} [-] another server's",
        )
        self.assertEqual((FAILURE, True, True), self.facts(words))

    def test_without_the_request_lines_of_the_server_may_be_about_another(self):
        words = self.read(
            f"{PREFIX} [None {OTHER_REQUEST}] [instance: {SERVER}] {FAILURE}",
            f"{PREFIX} [-] another server's",
        )
        self.assertEqual([(FAILURE, False, True)], [self.facts(each) for each in words])

    def test_all_lines_of_a_record_are_about_its_migration(self):
        first, *others = OF_QEMU
        words = self.read(
            f"{PREFIX} [None {REQUEST} user] [instance: {SERVER}] {first}",
            *others,
            f"{PREFIX} [None {OTHER_REQUEST}] another server's",
        )
        self.assertEqual(list(OF_QEMU), [each.text for each in words])
        self.assertEqual({True}, {each.is_of_this_migration for each in words})
        self.assertEqual([True, False, False], [each.is_error for each in words])
        (cause,) = known_causes(words)
        self.assertEqual(("state-refused", "certain"), (cause.id, cause.certainty.value))

    def test_a_traceback_without_the_request_is_of_the_record_before_it(self):
        prefix = f"{PREFIX} [instance: {SERVER}]"
        words = self.read(
            f"{PREFIX} [None {REQUEST} user] [instance: {SERVER}] Error monitoring migration",
            f"{prefix} Traceback (most recent call last):",
            f"{prefix} libvirt.libvirtError: {FAILURE}",
            f"{PREFIX.replace('.632', '.633')} [instance: {SERVER}] another one",
        )
        self.assertEqual(3, len(words))
        self.assertEqual(f"libvirt.libvirtError: {FAILURE}", words[-1].text)

    def test_a_journal_says_the_same(self):
        journal = "Nov 26 10:22:12 compute1 nova-compute[19418]: "
        first, *others = OF_QEMU
        words = self.read(
            f"{journal}ERROR nova.virt.libvirt.driver [None {REQUEST} demo] [instance: {SERVER}] "
            f"{first}",
            *(journal + each for each in others),
            f"{journal}INFO nova.compute.manager [-] another server's",
        )
        self.assertEqual(list(OF_QEMU), [each.text for each in words])

    def test_the_log_of_qemu_is_about_one_server_as_a_whole(self):
        words = self.read("-uuid x \\", "vfio: Failed setting device state to RUNNING_P2P")
        self.assertEqual(2, len(words))
        self.assertEqual({(False, False)}, {self.facts(each)[1:] for each in words})

    def test_a_record_without_end_is_cut(self):
        head = f"{PREFIX} [None {REQUEST} user] [instance: {SERVER}] {FAILURE}"
        self.assertLess(len(self.read(head, *["x"] * 5000)), 1000)

    def test_bytes_that_are_no_text_are_no_obstacle(self):
        self.path.write_bytes(b"\xff\xfe " + REQUEST.encode() + b" \xff ERROR\n")
        self.assertEqual(1, len(read_log(str(self.path), SERVER, REQUEST)))

    def test_a_file_that_is_not_there_is_named(self):
        missing = str(self.path) + ".gone"
        error = self.assertRaises(LogError, read_log, missing, SERVER, REQUEST)
        self.assertIn(missing, str(error))

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.path)
        error = self.assertRaises(LogError, read_log, str(self.path), SERVER, REQUEST)
        self.assertEqual(f"{self.path}: is a pipe, not a regular file", str(error))
