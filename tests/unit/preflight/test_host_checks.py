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

"""Checks that look at host facts and the nova.conf of hosts, each alone."""

from __future__ import annotations

import dataclasses
import datetime

from tests.unit.preflight import scenario
from tests.unit.preflight.check_case import CheckTestCase
from tests.unit.preflight.scenario import NOW, SPEC_UNTAGGED, conf, destination, facts, vf
from vfio_lm.cloud.model import Move
from vfio_lm.pci.host_facts import DeviceUser, HostFacts, MigrationFlags
from vfio_lm.preflight import HostKnowledge, Inputs, Status
from vfio_lm.preflight.checks import devices, driver_match, drivers, numa, port, post_copy
from vfio_lm.preflight.facts import Network, Occupants
from vfio_lm.preflight.rules.port import Port

SERVER = "92d0d15e-7bb1-43fd-9bdc-c3dae57ae0d0"
OTHER = "11111111-2222-4333-8444-555555555555"


def there(*functions, specs=(scenario.SPEC_YES,), occupants=None, **changes):
    """Facts with one destination whose devices placement does not know."""
    told = scenario.knowledge("compute2", *functions, specs=specs, **changes)
    where = destination(
        providers=(),
        candidates=[scenario.candidate("compute2")],
        knowledge=told,
        occupants=Occupants({}) if occupants is None else occupants,
    )
    return facts(
        destinations=(where,),
        source={"devices": (), "knowledge": here(vf(user=SERVER))},
        pci_in_placement=False,
        hosts={"compute1": here(vf(user=SERVER)), "compute2": told},
    )


def here(*functions, **changes):
    return scenario.knowledge("compute1", *functions, **changes)


class TestDevicesOfTheHost(CheckTestCase):
    check = devices.destination_devices

    def test_a_free_device_that_fits_passes(self):
        self.assert_answers(Status.PASS, there(vf()), saying="vf: 1 needed, 1 free")

    def test_no_device_that_fits_fails(self):
        self.assert_answers(Status.FAIL, there(vf(), specs=[SPEC_UNTAGGED]), saying="0 free")
        held = there(vf(user=OTHER), occupants=Occupants({OTHER: 1}))
        self.assert_answers(Status.FAIL, held, saying="0 free")

    def test_a_user_that_nova_does_not_have_there_proves_nothing(self):
        self.assert_answers(Status.UNKNOWN, there(vf(user=OTHER)))
        process = dataclasses.replace(vf(), user=DeviceUser("testpmd"))
        self.assert_answers(Status.UNKNOWN, there(process))
        unseen = vf(unknown={"user": "/proc cannot be read"})
        self.assert_answers(Status.UNKNOWN, there(unseen))

    def test_a_server_whose_devices_the_facts_do_not_show(self):
        shut_off = there(vf(1), vf(2), occupants=Occupants({OTHER: 1}))
        self.assert_answers(Status.UNKNOWN, shut_off, saying=OTHER)

    def test_a_move_that_is_not_over(self):
        move = Move(OTHER, "resize", "finished", "compute2", "compute3")
        moving = there(vf(), occupants=Occupants({}, (move,)))
        outcome = self.assert_answers(Status.UNKNOWN, moving, saying="resize")
        self.assertIn(f"\n  openstack server resize confirm {OTHER}", outcome.remedy)

    def test_what_is_missing_is_named(self):
        for told, said in (
            (HostKnowledge(), "nova.conf"),
            (HostKnowledge(conf=conf(scenario.SPEC_YES)), "the facts of host compute2"),
        ):
            known = facts(
                destinations=(destination(knowledge=told),),
                source={"devices": ()},
                pci_in_placement=False,
                hosts={"compute2": told},
            )
            self.assert_answers(Status.UNKNOWN, known, saying=said)

    def test_age(self):
        old = there(vf(), taken_at=NOW - datetime.timedelta(minutes=61))
        self.assert_answers(Status.WARN, old, saying="1:01:00 old")
        future = there(vf(), taken_at=NOW + datetime.timedelta(minutes=5))
        self.assert_answers(Status.UNKNOWN, future, saying="in the future")

    def test_facts_of_another_host(self):
        told = HostKnowledge(conf(scenario.SPEC_YES), HostFacts("compute9", NOW, (vf(),)))
        inputs = Inputs(now=NOW, hosts={"compute2": told})
        self.assertIn("those of host 'compute9'", str(inputs.disbelief("compute2")))
        self.assertIs(None, inputs.facts_of("compute2"))

    def test_old_facts_do_not_tell_which_ports_were_plugged_since(self):
        specs = [scenario.SPEC_YES | {"physical_network": "physnet1"}]
        old = there(vf(), specs=specs, taken_at=NOW - datetime.timedelta(hours=2))
        self.assert_answers(Status.UNKNOWN, old)

    def test_a_scheduler_that_asks_placement_does_not_ask_the_hosts(self):
        known = there(vf())
        inputs = Inputs(now=NOW, aliases=known.aliases, pci_in_placement=True)
        changed = dataclasses.replace(known, inputs=inputs)
        self.assert_answers(Status.UNKNOWN, changed, saying="may ask placement")


class TestPortChecks(CheckTestCase):
    check = port.port_binding

    def ports(self, vnic_type="direct", has_port_bindings=True):
        known = Network(ports=(Port("p1", vnic_type),), has_port_bindings=has_port_bindings)
        return facts(network=known)

    def test_answers(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.WARN, self.ports())
        self.assert_answers(Status.FAIL, self.ports(has_port_bindings=False))

    def test_devices_of_aliases_beside_a_port_are_lost_to_nova(self):
        both = dataclasses.replace(self.ports(), alias_requests=(scenario.AliasRequest("vf", 1),))
        answer = self.assert_answers(Status.WARN, both, saying="never give the devices")
        self.assertIn("restart nova-compute on the destination", answer.remedy)
        self.assert_answers(Status.FAIL, self.ports("accelerator-direct"))
        self.assert_answers(Status.UNKNOWN, self.ports("vdpa"))


class TestDrivers(CheckTestCase):
    check = drivers.host_drivers[0]

    def holding(self, *functions):
        known = here(*functions)
        return facts(source={"knowledge": known}, hosts={"compute1": known})

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, self.holding(vf(user=SERVER)))
        in_use = vf(user=SERVER, migration=None, logs_dma=None, migration_state="RUNNING")
        self.assert_answers(Status.PASS, self.holding(in_use))
        silent = vf(user=SERVER, migration=None, logs_dma=None)
        self.assert_answers(Status.UNKNOWN, self.holding(silent))

    def test_what_keeps_a_device_from_being_migrated(self):
        for changes, said in (
            ({"driver": "vfio-pci", "has_variant_driver": False, "migration": None}, "vfio-pci"),
            ({"is_devlink_migratable": False}, "devlink"),
            ({"migration": MigrationFlags()}, "STOP_COPY"),
            ({"logs_dma": False}, "tracks the memory"),
        ):
            self.assert_answers(Status.FAIL, self.holding(vf(user=SERVER, **changes)), saying=said)

    def test_several_devices_have_to_stop_together(self):
        alone = MigrationFlags(stop_copy=True)
        one, two = (vf(n, user=SERVER, migration=alone) for n in (1, 2))
        self.assert_answers(Status.PASS, self.holding(one))
        self.assert_answers(Status.FAIL, self.holding(one, two), saying="P2P")


class TestDriversThere(CheckTestCase):
    check = drivers.host_drivers[1]

    def test_one_able_device_of_two_is_a_warning(self):
        plain = {"driver": "vfio-pci", "has_variant_driver": False, "migration": None}
        self.assert_answers(Status.PASS, there(vf(1), vf(2)))
        self.assert_answers(Status.WARN, there(vf(1), vf(2, **plain)))
        self.assert_answers(Status.FAIL, there(vf(2, **plain)))
        self.assert_answers(Status.UNKNOWN, facts())

    def test_a_device_that_libvirt_will_bind_is_not_judged(self):
        native = {"driver": "mlx5_core", "has_variant_driver": False, "migration": None}
        self.assert_answers(Status.UNKNOWN, there(vf(1, **native)))


class TestSameDriver(CheckTestCase):
    check = driver_match.destination_same_driver

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, there(vf()))
        self.assert_answers(Status.FAIL, there(vf(driver="qat_vfio_pci")), saying="qat_vfio_pci")
        self.assert_answers(Status.WARN, there(vf(1), vf(2, driver="qat_vfio_pci")))
        self.assert_answers(Status.FAIL, there(vf(vgpu_type="nvidia-1")))


class TestDowntime(CheckTestCase):
    check = driver_match.downtime_fits

    def of_host(self, size, downtime_ms=500):
        known = here(vf(user=SERVER, state_size_bytes=size), downtime_ms=downtime_ms)
        return HostKnowledge(facts=known.facts)

    def moving(self, size, downtime_ms=500):
        known = self.of_host(size, downtime_ms)
        return facts(source={"knowledge": known}, hosts={"compute1": known})

    def test_answers(self):
        self.assert_answers(Status.PASS, self.moving(1_000_000))
        self.assert_answers(Status.UNKNOWN, self.moving(100 * 2**20))
        outcome = self.assert_answers(Status.WARN, self.moving(64 * 2**30))
        self.assertIn("live_migration_downtime = 549756", outcome.remedy)
        self.assert_answers(Status.UNKNOWN, self.moving(None))
        self.assert_answers(Status.UNKNOWN, self.moving(1000, downtime_ms=None))
        allowed = HostKnowledge(conf(downtime_ms=1_000_000), self.of_host(64 * 2**30).facts)
        known = facts(source={"knowledge": allowed}, hosts={"compute1": allowed})
        self.assert_answers(Status.PASS, known)
        self.assert_answers(Status.UNKNOWN)


class TestPostCopy(CheckTestCase):
    check = post_copy.post_copy_off[0]

    def told(self, **changes):
        return facts(hosts={"compute1": HostKnowledge(**changes)})

    def test_answers(self):
        self.assert_answers(Status.UNKNOWN)
        self.assert_answers(Status.PASS, self.told(conf=conf()))
        self.assert_answers(Status.FAIL, self.told(conf=conf(permit_post_copy=True)))
        told = HostFacts(host="compute1", taken_at=NOW, permits_post_copy=True)
        self.assert_answers(Status.FAIL, self.told(facts=told))


class TestNuma(CheckTestCase):
    check = numa.numa

    def on_nodes(self, *nodes, policy="required"):
        known = there(*(vf(n + 1, numa_node=node) for n, node in enumerate(nodes)))
        flavor = dataclasses.replace(known.server.flavor, extra_specs={"hw:numa_nodes": "1"})
        alias = dataclasses.replace(known.aliases["vf"], numa_policy=policy)
        return dataclasses.replace(
            known,
            server=dataclasses.replace(known.server, flavor=flavor),
            inputs=dataclasses.replace(known.inputs, aliases={"vf": alias}),
            alias_requests=(scenario.AliasRequest("vf", 2),),
        )

    def test_what_no_node_has_fails_and_the_rest_is_unknown(self):
        self.assert_answers(Status.NOT_APPLICABLE)
        self.assert_answers(Status.FAIL, self.on_nodes(0, 1), saying="vf")
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, 0, 1))
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, None, policy="legacy"))
        self.assert_answers(Status.FAIL, self.on_nodes(0, None))
        self.assert_answers(Status.UNKNOWN, self.on_nodes(0, 1, policy="preferred"))
