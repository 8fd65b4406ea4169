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

"""Which devices nova has free on a host, and whether they suffice; nova hands them out itself."""

from __future__ import annotations

import itertools
import json
import uuid

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova import exception, objects
from nova.pci import request, stats, whitelist

from tests.unit import strategies
from tests.unit.nova_rules import configured, on_host, pci_device
from tests.unit.preflight import scenario
from tests.unit.preflight.scenario import NOW, vf
from vfio_lm.pci import (
    AliasRequest,
    Device,
    DeviceKind,
    NovaConf,
    PciAddress,
    parse_aliases,
    parse_device_specs,
)
from vfio_lm.pci.alias import AliasError
from vfio_lm.pci.assignment import Fit, fit
from vfio_lm.pci.host_facts import DeviceFacts, DeviceUser, HostFacts
from vfio_lm.pci.hosts import Host
from vfio_lm.preflight.rules.port import Port
from vfio_lm.preflight.rules.tracked_devices import relatives, tracked_devices, wishes

SERVER = "b4f1c8a2-0000-4000-8000-000000000001"

_NAMES = ("a", "b", "c")
_ALIASES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(_NAMES),
            "vendor_id": st.sampled_from(["8086", "8086", "15b3"]),
            "product_id": st.sampled_from(["1515", "101e"]),
        },
        optional={
            "device_type": st.sampled_from(["type-VF", "type-VF", "type-PF", "type-PCI"]),
            "live_migratable": st.sampled_from(["yes", "no"]),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda fields: fields["name"],
)
_TAGS = st.fixed_dictionaries({}, optional={"dev_type": st.sampled_from(["type-VF", "type-PF"])})
_ODD_SPECS = st.builds(lambda fields, tags: fields | tags, strategies.USABLE_DEVICE_SPECS, _TAGS)
_WIDE_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "vendor_id": st.just("8086"),
        "product_id": st.sampled_from(["1515", "101e"]),
        "live_migratable": st.just("yes"),
        "physical_network": st.just("physnet1"),
    },
)
_SPECS = st.one_of(_WIDE_SPECS, _WIDE_SPECS, _ODD_SPECS).map(json.dumps)


@st.composite
def _dense_hosts(draw: st.DrawFn) -> list[Device]:
    """Return the devices of one host that are much alike: often there are enough of them."""
    devices = []
    for slot in range(draw(st.integers(1, 3))):
        pf = PciAddress(0, 0x81, slot, 0)
        devices.append(Device(pf, "8086", draw(st.sampled_from(["1515", "101e"])), DeviceKind.PF))
        product_id = draw(st.sampled_from(["1515", "101e"]))
        devices += (
            Device(PciAddress(0, 0x81, slot, n), "8086", product_id, DeviceKind.VF, pf)
            for n in range(1, 1 + draw(st.integers(1, 4)))
        )
    return devices


_HOSTS = st.one_of(_dense_hosts(), _dense_hosts(), strategies.HOSTS)
_COUNTS = st.lists(st.tuples(st.sampled_from(_NAMES), st.integers(1, 2)), min_size=1, max_size=3)
_PORTS = st.lists(
    st.builds(
        Port,
        id=st.just("port"),
        vnic_type=st.sampled_from(["direct", "direct-physical", "macvtap"]),
        physical_network=st.sampled_from(["physnet1", None]),
    ),
    max_size=2,
)


def facts_of(device: Device, *, is_used: bool) -> DeviceFacts:
    return DeviceFacts(
        address=device.address,
        vendor_id=device.vendor_id,
        product_id=device.product_id,
        kind=device.kind,
        parent_address=device.parent_address,
        numa_node=device.numa_node,
        user=DeviceUser("guest", SERVER) if is_used else None,
    )


def our_answer(alias_values, spec_values, devices, used, counts, ports) -> Fit:
    known = [facts_of(d, is_used=d.address in used) for d in devices]
    knowledge = Host(
        conf=NovaConf(
            sources=(),
            aliases={},
            pci_in_placement=False,
            device_specs=parse_device_specs(spec_values, report_in_placement=True),
        ),
        facts=HostFacts(host="compute1", taken_at=NOW, devices=tuple(known)),
    )
    tracked = tracked_devices(knowledge, {SERVER}, is_old=False)
    requests = [AliasRequest(name, count) for name, count in counts]
    asked = wishes(requests, parse_aliases(alias_values), ports, tracked, known)
    return fit(asked, relatives(known))


def nova_pools(spec_values, devices, used):
    """Return the pools of a resource tracker that has given some devices away."""
    tracker = stats.PciDeviceStats(None, dev_filter=whitelist.Whitelist(spec_values))
    found = {str(d.address): pci_device(d) for d in devices}
    tracked = {a: d for a, d in found.items() if tracker.dev_filter.get_devspec(d)}
    # what nova/pci/manager.py _build_device_tree does with the devices that nova may use
    for each in tracked.values():
        if each.dev_type == "type-PF":
            each.child_devices = []
    for each in tracked.values():
        if each.dev_type in ("type-VF", "vdpa"):
            each.parent_device = tracked.get(each.parent_addr)
            if each.parent_device is not None:
                each.parent_device.child_devices.append(each)
    gone = set()
    for address in {str(address) for address in used} & tracked.keys():
        gone.add(address)
        device = tracked[address]
        if device.dev_type == "type-PF":
            gone |= {child.address for child in device.child_devices}
        elif getattr(device, "parent_addr", None) in tracked:
            gone.add(device.parent_addr)
    for address, device in tracked.items():
        if address not in gone:
            tracker.add_device(device)
    return tracker


def nova_requests(counts, ports):
    known = request.get_alias_from_config()
    for number, (name, count) in enumerate(counts):
        yield objects.InstancePCIRequest(
            count=count, spec=known[name][1], request_id=str(uuid.UUID(int=number)), alias_name=name
        )
    kinds = request.DEVICE_TYPE_FOR_VNIC_TYPE
    for number, port in enumerate(ports):
        spec = {"physical_network": port.physical_network, "remote_managed": "False"}
        if port.vnic_type in kinds:
            spec["dev_type"] = kinds[port.vnic_type]
        yield objects.InstancePCIRequest(
            count=1, spec=[spec], request_id=str(uuid.UUID(int=100 + number))
        )


def nova_answers(alias_values, spec_values, devices, used, counts, ports):
    """Yield for each order of the requests whether scheduler and nova-compute both say yes."""
    with configured(aliases=alias_values, report_in_placement=True), on_host():
        requests = list(nova_requests(counts, ports))
        for order in itertools.permutations(requests):
            in_scheduler = nova_pools(spec_values, devices, used)
            on_compute = nova_pools(spec_values, devices, used)
            supported = in_scheduler.support_requests(list(order), None)
            try:
                # whichever device of a pool nova takes
                claimed = on_compute.consume_requests(list(order))
            except (exception.PciDeviceRequestFailed, IndexError):
                # Nova trips over a PF in one pool with its VFs, which a dev_type tag can do.
                claimed = None
            yield supported, claimed is not None


class TestAgainstNova(testtools.TestCase):
    @given(
        _ALIASES,
        st.lists(_SPECS, min_size=1, max_size=3),
        _HOSTS,
        st.data(),
        _PORTS,
    )
    def test_yes_means_every_order_and_no_means_none(
        self, aliases, spec_values, devices, data, ports
    ):
        names = [fields["name"] for fields in aliases]
        counts = [pair for pair in data.draw(_COUNTS) if pair[0] in names]
        used = (
            data.draw(st.sets(st.sampled_from([d.address for d in devices]), max_size=3))
            if devices
            else set()
        )
        alias_values = [json.dumps(fields) for fields in aliases]
        try:
            parse_aliases(alias_values)
        except AliasError:
            return  # refused by nova as well, see test_alias
        everything = (alias_values, spec_values, devices, used, counts, ports)
        ours = our_answer(*everything)
        for supported, claimed in nova_answers(*everything):
            if ours is Fit.YES:
                self.assertEqual((True, True), (supported, claimed))
            elif ours is Fit.NO:
                # The scheduler does not know that a PF goes with its VFs, the host does.
                self.assertFalse(supported and claimed)


class TestTrackedDevices(testtools.TestCase):
    def free(self, *devices, specs=(scenario.SPEC_YES,), servers=(), is_old=False):
        """Which devices may be free, and which are beyond doubt, by their functions."""
        host = scenario.knowledge("compute2", *devices, specs=specs)
        found = tracked_devices(host, servers, is_old=is_old)
        return {each.facts.address.function: each.is_certain for each in found}

    def test_a_device_that_no_specification_means_is_none_of_novas(self):
        self.assertEqual({1: True}, self.free(vf(1), vf(2, product_id="1520")))

    def test_a_device_of_a_server_of_nova_is_taken(self):
        self.assertEqual({2: True}, self.free(vf(1, user=SERVER), vf(2), servers=[SERVER]))

    def test_a_user_that_nova_does_not_know_makes_doubt(self):
        self.assertEqual({1: False}, self.free(vf(1, user=SERVER)))

    def test_a_pf_goes_with_its_vfs(self):
        pf = vf(0, kind=DeviceKind.PF, parent_address=None)
        held = vf(1, user=SERVER)
        self.assertEqual({0: True, 2: True}, self.free(pf, vf(2)))
        self.assertEqual({2: True}, self.free(pf, held, vf(2), servers=[SERVER]))

    def test_old_facts_do_not_show_which_ports_were_plugged_since(self):
        spec = scenario.SPEC_YES | {"physical_network": "physnet1"}
        self.assertEqual({1: True}, self.free(vf(1), specs=[spec]))
        self.assertEqual({1: False}, self.free(vf(1), specs=[spec], is_old=True))


class TestRelatives(testtools.TestCase):
    def test_a_vf_whose_pf_is_not_shown_is_alone(self):
        one, two = vf(1), vf(2)
        self.assertEqual(
            {one.address: frozenset(), two.address: frozenset()}, relatives([one, two])
        )
