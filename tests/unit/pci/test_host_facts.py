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

"""A host facts file is read back as it was written, and anything else is refused in a sentence."""

import datetime
import json
import os
import pathlib
import tempfile

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit import strategies
from vfio_lm.pci import DeviceKind, PciAddress
from vfio_lm.pci.host_facts import (
    DeviceFacts,
    DeviceUser,
    HostFacts,
    HostFactsError,
    MigrationFlags,
    parse_host_facts,
    read_host_facts,
)

NOW = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)
_ADDRESSES = st.builds(
    PciAddress,
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.integers(0, 0x1F),
    st.integers(0, 7),
)
_TEXTS = st.none() | st.text(max_size=8)
_FLAGS = st.none() | st.booleans()
_COUNTS = st.none() | st.integers(0, 1 << 70)
_IDS = st.text("0123456789abcdef", min_size=4, max_size=4)
_REASONS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2)
_DEVICES = st.builds(
    DeviceFacts,
    address=_ADDRESSES,
    vendor_id=_IDS,
    product_id=_IDS,
    kind=st.sampled_from(DeviceKind),
    parent_address=st.none() | _ADDRESSES,
    numa_node=_COUNTS,
    iommu_group=_COUNTS,
    shares_iommu_group=_FLAGS,
    interfaces=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    driver=_TEXTS,
    has_variant_driver=_FLAGS,
    firmware=_TEXTS,
    vgpu_type=_TEXTS,
    is_devlink_migratable=_FLAGS,
    user=st.none() | st.builds(DeviceUser, st.text(max_size=5), _TEXTS),
    migration=st.none() | st.builds(MigrationFlags, st.booleans(), st.booleans(), st.booleans()),
    migration_state=_TEXTS,
    logs_dma=_FLAGS,
    state_size_bytes=_COUNTS,
    unknown=_REASONS,
)
_FACTS = st.builds(
    HostFacts,
    host=st.text(min_size=1, max_size=8),
    taken_at=st.datetimes(
        datetime.datetime(2000, 1, 2),
        datetime.datetime(2999, 12, 30),
        timezones=st.just(datetime.UTC),
    ).map(lambda time: time.replace(microsecond=0)),
    devices=st.lists(_DEVICES, max_size=3, unique_by=lambda each: each.address).map(tuple),
    kernel=_TEXTS,
    is_iommu_on=_FLAGS,
    libvirt_version=_TEXTS,
    qemu_version=_TEXTS,
    permits_post_copy=_FLAGS,
    downtime_ms=_COUNTS,
    timeout_action=_TEXTS,
    parallel_connections=_COUNTS,
    unknown=_REASONS,
)
_VF = DeviceFacts(PciAddress.parse("0000:81:00.1"), "15b3", "101e", DeviceKind.VF)
_GOOD = HostFacts("host1", NOW, (_VF,))


def _paths(value, path=()):
    """Yield the way to each value inside a JSON document."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from _paths(value[key], (*path, key))


@st.composite
def _damaged(draw):
    """Return a host facts file with one value replaced by another."""
    document = {"facts": json.loads(draw(_FACTS).to_json())}
    path = draw(st.sampled_from([*_paths(document)][1:]))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = draw(strategies.JSON_VALUES)
    return json.dumps(document["facts"])


class TestProperties(testtools.TestCase):
    @given(_FACTS)
    def test_what_is_written_reads_back(self, facts):
        self.assertEqual(facts, parse_host_facts(facts.to_json(), "facts.json"))

    @given(_damaged() | st.text(max_size=30) | strategies.JSON_VALUES.map(json.dumps))
    @example("[" * 100_000)
    @example("1" * 5000)
    @example('{"version": NaN}')
    def test_anything_else_is_read_or_refused_with_the_file(self, text):
        try:
            facts = parse_host_facts(text, "facts.json")
        except HostFactsError as exc:
            self.assertTrue(str(exc).startswith("facts.json: "), exc)
            self.assertLess(len(str(exc)), 1000)
        else:
            self.assertEqual(facts, parse_host_facts(facts.to_json(), "facts.json"))


class TestParse(testtools.TestCase):
    def refusal(self, **changes):
        text = json.dumps(json.loads(_GOOD.to_json()) | changes)
        return str(self.assertRaises(HostFactsError, parse_host_facts, text, "facts.json"))

    def test_another_version_is_refused_with_a_way_out(self):
        said = self.refusal(version=2)
        self.assertIn("has version 2, and this release reads version 1", said)
        self.assertIn("vfio-lm-host probe", said)

    def test_a_time_without_zone(self):
        self.assertIn("no time zone", self.refusal(taken_at="2026-11-24T04:00:00"))

    def test_a_time_that_is_none(self):
        self.assertIn("yesterday", self.refusal(taken_at="yesterday"))

    def test_a_device_that_is_there_twice(self):
        twice = json.loads(_GOOD.to_json())["devices"] * 2
        self.assertIn("0000:81:00.1 is there more than once", self.refusal(devices=twice))

    def test_ids_are_four_digits_in_lower_case(self):
        (good,) = json.loads(_GOOD.to_json())["devices"]
        for wrong in ("15B3", "0x15b3", "15b3\n", "5b3"):
            self.assertIn("vendor_id", self.refusal(devices=[good | {"vendor_id": wrong}]))

    def test_a_time_that_cannot_be(self):
        for year in ("0001", "1999", "9999"):
            said = self.refusal(taken_at=f"{year}-12-31T23:59:59-23:59")
            self.assertIn("cannot be", said)

    def test_half_of_a_surrogate_pair(self):
        for name in ("host", "kernel"):
            self.assertIn("surrogate", self.refusal(**{name: "compute\ud800"}))
        whole = json.dumps(json.loads(_GOOD.to_json()) | {"kernel": "\U0001f600"})
        self.assertEqual("\U0001f600", parse_host_facts(whole, "facts.json").kernel)

    def test_properties_of_a_newer_release_are_passed_over(self):
        text = json.dumps(json.loads(_GOOD.to_json()) | {"moon_phase": "full"})
        self.assertEqual(_GOOD, parse_host_facts(text, "facts.json"))

    def test_unknown_users_are_neither_free_nor_in_use(self):
        unknown = DeviceFacts(_VF.address, "15b3", "101e", DeviceKind.VF, unknown={"user": "?"})
        self.assertIs(True, _VF.is_free)
        self.assertIsNone(unknown.is_free)

    def test_what_may_be_missing_has_a_reason(self):
        self.assertIsNone(HostFacts("host1", NOW).missing_devices)
        self.assertEqual(
            "0000:81:00.1: it has vanished",
            HostFacts("host1", NOW, unreadable={"0000:81:00.1": "it has vanished"}).missing_devices,
        )
        unknown = {"devices": "no /sys", "kernel": "no /proc"}
        self.assertEqual("no /sys", HostFacts("host1", NOW, unknown=unknown).missing_devices)

    def test_a_device_is_found_by_its_address(self):
        self.assertIs(_VF, _GOOD.find(_VF.address))
        self.assertIsNone(_GOOD.find(PciAddress.parse("0000:81:00.2")))


class TestRead(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "facts.json"

    def test_a_file(self):
        self.path.write_text(_GOOD.to_json())
        self.assertEqual(_GOOD, read_host_facts(self.path))

    def refusal(self, path):
        return str(self.assertRaises(HostFactsError, read_host_facts, path))

    def test_an_absent_file_a_folder_and_a_pipe(self):
        self.assertIn(f"{self.path}: cannot be read: ", self.refusal(self.path))
        self.assertIn("is a folder", self.refusal(self.path.parent))
        os.mkfifo(self.path)
        self.assertEqual(f"{self.path}: is a pipe, not a regular file", self.refusal(self.path))

    def test_a_file_without_an_end(self):
        with self.path.open("wb") as sparse:
            sparse.truncate(1 << 40)
        self.assertIn("exceeds 64 MiB", self.refusal(self.path))

    def test_a_file_that_is_no_text(self):
        self.path.write_bytes(b"\x7fELF\xff\xfe")
        said = str(self.assertRaises(HostFactsError, read_host_facts, self.path))
        self.assertIn("not a text file", said)
