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

"""What a host's nova.conf shows of the devices behind a PCI provider, also beside nova itself."""

from __future__ import annotations

import dataclasses
import json

import os_traits
import testtools
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from nova import exception, objects
from nova.compute import pci_placement_translator
from nova.pci import stats, whitelist

from placement_sync.engine.evidence import from_facts, from_provider
from tests.unit.nova_rules import configured, on_host, pci_device
from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import (
    MARKED,
    SILENT,
    SPEC_UNTAGGED,
    SPEC_YES,
    UNMARKED,
    conf,
    destination,
    facts,
    knowledge,
    pci_provider,
    vf,
)
from vfio_lm.cloud.model import Marking
from vfio_lm.pci import (
    Device,
    DeviceKind,
    LiveMigratable,
    NovaRelease,
    PciAddress,
    parse_device_specs,
)
from vfio_lm.pci.host_facts import DeviceFacts, HostFacts
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.pci.provider_origin import (
    PciProvider,
    Split,
    declared,
    origin,
    reports_live_migratable,
    split,
)
from vfio_lm.pci.provider_traits import reported_traits
from vfio_lm.preflight import Host, Status
from vfio_lm.preflight.checks import devices as device_checks
from vfio_lm.preflight.checks import drivers
from vfio_lm.preflight.marking import marking

PROVIDER = "11111111-1111-1111-1111-111111111111"
REQUEST = "22222222-2222-2222-2222-222222222222"

TRAIT = {"traits": "HW_PCI_LIVE_MIGRATABLE"}
SILENT_BUT_TAGGED = SILENT | {os_traits.HW_PCI_LIVE_MIGRATABLE}
FIRST, SECOND = {"address": "0000:81:00.1"}, {"address": "0000:81:00.2"}
OTHER_BUS = {"address": "0000:c1:00.*"}

_TAGS = st.fixed_dictionaries(
    {},
    optional={
        "live_migratable": st.sampled_from(["yes", "no"]),
        "managed": st.sampled_from(["yes", "no"]),
        "remote_managed": st.sampled_from(
            ["false", "no", "true", "yes", "1", "on", "t", "y", "False"]
        ),
        "physical_network": st.none(),
        "colour": st.sampled_from(["red", "blue", None]),
        "traits": st.sampled_from(["CUSTOM_A", "CUSTOM_B"]),
    },
)


_ADDRESSES = st.sampled_from(
    [
        None,
        "*:*:*.*",
        "0000:*:*.*",
        "0000:81:*.*",
        "0000:81:00.*",
        "0000:81:00.0",
        "0000:81:00.1",
        "0000:82:00.*",
        "0000:82:00.0",
        "0000:83:00.*",
        "0000:c1:00.*",
        {"bus": "8[12]", "function": "[0-3]"},
        {"domain": ".*", "bus": "81", "slot": ".*", "function": ".*"},
    ]
)
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "vendor_id": st.sampled_from(["8086", "15b3", "*"]),
        "product_id": st.sampled_from(["1515", "101e"]),
        "address": _ADDRESSES,
        "live_migratable": st.sampled_from(["yes", "no"]),
        "remote_managed": st.sampled_from(["true", "yes", "1", "on", "false", "no", "0"]),
        "physical_network": st.sampled_from(["physnet1", None, ""]),
        "resource_class": st.sampled_from(["codec", "CUSTOM_PCI_8086_1515"]),
        "traits": st.sampled_from(["HW_PCI_LIVE_MIGRATABLE", "CUSTOM_A"]),
    },
).map(lambda spec: {key: value for key, value in spec.items() if (key, value) != ("address", None)})
_PF = PciAddress(0, 0x81, 0, 0)
_VFS = st.sets(
    st.sampled_from(
        [
            PciAddress(0, 0x81, 0, 1),
            PciAddress(0, 0x81, 0, 2),
            PciAddress(0, 0x81, 1, 0),
            PciAddress(0, 0x82, 0, 0),
        ]
    ),
    min_size=1,
)


class TestAgainstNova(testtools.TestCase):
    """nova's own Whitelist decides about each device, and its translator makes the provider."""

    @given(
        st.lists(_SPECS, min_size=1, max_size=4),
        st.one_of(st.none(), _VFS),
        st.sampled_from([("8086", "1515"), ("15b3", "101e")]),
        st.booleans(),
        st.booleans(),
    )
    def test_the_specifications_that_nova_takes_are_among_those_found(
        self, specs, vfs, ids, has_serial, is_new
    ):
        devices = self.devices(vfs, ids, has_serial)
        release = NovaRelease.R2026_2 if is_new else NovaRelease.R2026_1
        with (
            configured(report_in_placement=True),
            on_host([*devices, Device(_PF, *ids, DeviceKind.PF)]),
        ):
            try:
                whitelisted = whitelist.Whitelist([json.dumps(spec) for spec in specs])
            except exception.NovaException:
                reject()  # nova-compute does not start
            taken = [
                devspec
                for device in devices
                if (devspec := whitelisted.get_devspec(pci_device(device)))
                and not devspec.get_tags().get("physical_network")
            ]
        numbers = {whitelisted.specs.index(devspec) for devspec in taken}
        parsed = parse_device_specs([json.dumps(spec) for spec in specs], report_in_placement=True)
        provider = self.provider(devices, taken, [parsed[n] for n in numbers], release)
        assume(provider is not None)
        host = Host(conf=conf(*specs))
        found = [parsed.index(spec) for spec in origin(host, provider).specs]
        for number in numbers:
            self.assertIn(parsed.index(parsed[number]), found)
        seen = dataclasses.replace(host, facts=self.facts(devices))
        exact = origin(seen, provider)
        for number in numbers:
            self.assertIn(parsed[number], exact.specs)

    def devices(self, vfs, ids, has_serial):
        serial = "MT1" if has_serial else None
        if vfs is None:
            return [Device(_PF, *ids, DeviceKind.PF, card_serial_number=serial)]
        return [
            Device(address, *ids, DeviceKind.VF, _PF, card_serial_number=serial)
            for address in sorted(vfs)
        ]

    def facts(self, devices):
        return HostFacts(
            "compute1",
            scenario.NOW,
            tuple(
                DeviceFacts(d.address, d.vendor_id, d.product_id, d.kind, d.parent_address)
                for d in devices
            ),
        )

    def provider(self, devices, taken, specs, release):
        """Return the provider that nova makes; None where it makes none, or refuses to start."""
        classes = {
            pci_placement_translator.get_resource_class(
                devspec.get_tags().get("resource_class"),
                devices[0].vendor_id,
                devices[0].product_id,
            )
            for devspec in taken
        }
        traits = {reported_traits(spec, release) for spec in specs}
        if len(classes) != 1 or len(traits) != 1:
            return None
        (reported,) = traits
        return PciProvider(
            address=_PF,
            resource_classes=frozenset(classes),
            is_marked=os_traits.HW_PCI_LIVE_MIGRATABLE in reported,
            release=release,
        )


class TestOrigin(testtools.TestCase):
    """What follows for some specifications, said one by one."""

    def specs_behind(self, *specs, devices=(), holder=None):
        """Return the numbers of the specifications that may be behind the first PF."""
        host = knowledge("compute1", *devices, specs=specs)
        parsed = list(host.device_specs)
        provider = pci_provider("compute1", 0, MARKED).reported
        return [parsed.index(spec) for spec in origin(host, provider, holder=holder).specs]

    def test_no_specification_counts_after_one_that_takes_every_device(self):
        pf = SPEC_YES | {"address": "0000:81:00.0"}
        self.assertEqual([0], self.specs_behind(pf, SPEC_UNTAGGED | TRAIT))
        self.assertEqual([0, 1], self.specs_behind(SPEC_YES | FIRST, SPEC_YES | TRAIT))

    def test_a_class_that_another_specification_has_given_may_be_of_its_devices(self):
        other = {"vendor_id": "15b3", "resource_class": "CUSTOM_PCI_8086_1515"}
        self.assertEqual([0, 1], self.specs_behind(SPEC_YES | TRAIT, other | TRAIT))
        self.assertEqual([0], self.specs_behind(SPEC_YES | TRAIT, SPEC_UNTAGGED | TRAIT))

    def test_vfs_on_the_next_bus_are_of_the_same_pf(self):
        next_bus = SPEC_YES | {"address": "0000:82:00.*"}
        self.assertEqual([0], self.specs_behind(next_bus, SPEC_YES | OTHER_BUS))

    def test_only_what_a_server_holds_counts_where_the_facts_show_it(self):
        specs = SPEC_YES | FIRST, SPEC_UNTAGGED | SECOND
        devices = vf(1), vf(2, user=PROVIDER)
        self.assertEqual([1], self.specs_behind(*specs, devices=devices, holder=PROVIDER))
        self.assertEqual([0, 1], self.specs_behind(*specs, devices=devices, holder=REQUEST))

    def test_what_nova_never_reports_is_behind_no_provider(self):
        of_neutron = SPEC_YES | {"physical_network": "physnet1"}
        by_name = {"devname": "eth0", "live_migratable": "yes"}
        self.assertEqual([2], self.specs_behind(of_neutron, by_name, SPEC_UNTAGGED | TRAIT))

    def test_a_resource_class_that_is_no_text_keeps_nova_compute_from_starting(self):
        self.assertEqual([], self.specs_behind(SPEC_YES | {"resource_class": 5}))

    def test_a_remotely_managed_device_declares_nothing_for_aliases(self):
        (spec,) = conf(SPEC_YES | {"remote_managed": "yes"}).device_specs
        self.assertIs(LiveMigratable.UNSPECIFIED, declared(spec))

    def test_traits_that_keep_nova_compute_from_starting_report_nothing(self):
        (spec,) = conf(SPEC_YES | {"traits": 5}).device_specs
        self.assertFalse(reports_live_migratable(spec, NovaRelease.R2026_2))


class TestAgreement(testtools.TestCase):
    """The preflight and the agent answer the same question in the same way."""

    @given(
        st.lists(_SPECS, min_size=1, max_size=4),
        st.sampled_from([MARKED, UNMARKED, SILENT, SILENT_BUT_TAGGED]),
    )
    def test_are_the_devices_of_a_provider_declared_live_migratable(self, specs, traits):
        provider = pci_provider("compute1", 0, traits)
        host = Host("compute1", "compute1", conf=conf(*specs))
        release = NovaRelease.R2026_2 if provider.reports_live_migratable else NovaRelease.R2026_1
        ours = marking(provider, host)
        theirs = from_provider(host, provider, PciAddress.parse(provider.pci_address), release)
        if ours is Marking.MARKED:
            self.assertIs(LiveMigratable.YES, theirs.said)
        elif ours is Marking.NOT_MARKED:
            self.assertIsNot(LiveMigratable.YES, theirs.said)

    @given(
        st.sampled_from(["mlx5_vfio_pci", "mlx5_core", "vfio-pci", None]),
        st.sampled_from([None, MigrationFlags(), MigrationFlags(stop_copy=True)]),
        st.sampled_from([True, False, None]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["yes", "no"]),
    )
    def test_can_a_free_device_migrate(self, driver, migration, devlink, available, managed):
        device = vf(
            driver=driver,
            has_variant_driver=driver == "mlx5_vfio_pci",
            migration=migration,
            is_devlink_migratable=devlink,
            is_variant_driver_available=available,
        )
        spec = SPEC_YES | {"managed": managed}
        host = knowledge("compute2", device, specs=(spec,))
        (theirs,) = from_facts(host, host.facts)
        there = destination("compute2", [pci_provider("compute2", 0, MARKED)], knowledge=host)
        tested = facts(destinations=(there,), hosts={"compute2": host})
        ours = drivers.host_drivers[1].ask(tested, there)
        self.assertIs(theirs.obstacle is not None, ours.status is Status.FAIL, ours)


class TestSplit(CheckTestCase):
    check = device_checks.destination_devices

    @given(_TAGS, _TAGS)
    def test_nova_counts_the_vfs_of_a_pf_apart_where_we_do(self, one, other):
        one, other = SPEC_UNTAGGED | FIRST | one, SPEC_UNTAGGED | SECOND | other
        vfs = (vf(1), vf(2))
        with configured(report_in_placement=True), on_host():
            pools = stats.PciDeviceStats(
                None, dev_filter=whitelist.Whitelist([json.dumps(one), json.dumps(other)])
            )
        for each in vfs:
            pools.add_device(pci_device(each.device))
        for pool in pools.pools:
            pool["rp_uuid"] = PROVIDER
        request = objects.InstancePCIRequest(
            count=1,
            alias_name="vf",
            request_id=REQUEST,
            spec=[{"vendor_id": "8086", "product_id": "1515"}],
        )
        mapping = {f"{REQUEST}-0": [PROVIDER]}
        serves = pools.support_requests([request], mapping)
        told = knowledge("compute2", *vfs, specs=(one, other))
        found = split(told, pci_provider("compute2", 0, free=2).reported, 2)
        if any(spec.is_remote_managed for spec in told.device_specs):
            # No alias gets such a device, whichever pool it is in.
            self.assertTrue(not serves or found is not Split.YES)
        elif None in (*one.values(), *other.values()):
            self.assertIn(found, (Split.PERHAPS, Split.NO if serves else Split.YES))
        else:
            self.assertIs(Split.NO if serves else Split.YES, found)

    def assert_host(self, status, saying, *specs, free=2, knows_devices=True):
        told = knowledge("compute2", vf(1), vf(2), vf(3), specs=specs)
        if not knows_devices:
            told = dataclasses.replace(told, facts=None)
        providers = [pci_provider("compute2", 0, SILENT_BUT_TAGGED, free=free)]
        there = destination("compute2", providers, knowledge=told)
        self.assert_answers(status, facts(destinations=(there,)), saying=saying)

    def test_a_host_where_vfs_of_a_pf_differ_is_never_ready(self):
        first, rest = SPEC_YES | FIRST | TRAIT, SPEC_YES | TRAIT | {"managed": "no"}
        self.assert_host(Status.PASS, "declared live migratable", rest)
        self.assert_host(Status.FAIL, "differ in their tags", first, rest, free=3)
        # two of the three VFs have the same tags, and may be those that are free
        self.assert_host(Status.UNKNOWN, "may differ", first, rest, free=2)
        self.assert_host(Status.PASS, "declared live migratable", first, rest, free=1)

    def test_facts_that_lack_a_device_do_not_say_which_specifications_there_are(self):
        first, rest = SPEC_YES | FIRST | TRAIT, SPEC_YES | TRAIT | {"managed": "no"}
        told = knowledge("compute2", vf(1), specs=(first, rest))
        address = PciAddress.parse("0000:81:00.0")
        self.assertTrue(origin(told, PciProvider(address)).is_by_facts)
        lacking = knowledge(
            "compute2", vf(1), specs=(first, rest), unreadable={"0000:81:00.2": "it has vanished"}
        )
        found = origin(lacking, PciProvider(address))
        self.assertEqual((False, 2), (found.is_by_facts, len(found.specs)))

    def test_without_facts_vfs_that_may_differ_are_told(self):
        first, rest = SPEC_YES | FIRST | TRAIT, SPEC_YES | TRAIT | {"managed": "no"}
        self.assert_host(Status.UNKNOWN, "may differ", first, rest, knows_devices=False)
        other_bus = SPEC_YES | OTHER_BUS | TRAIT
        self.assert_host(Status.PASS, "declared", other_bus, rest, knows_devices=False)
