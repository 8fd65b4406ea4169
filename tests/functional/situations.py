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

"""The catalogue of checks as situations of a cloud: in each, one check alone has something to say.

The table at the end has at least one situation for every check that is installed; a test holds it
against them.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
from collections.abc import Callable, Mapping
from typing import Any

from tests.cloud.administrator import MICROVERSION, wait_for
from tests.functional.base import UNTAGGED, CloudTestCase
from tests.functional.host_knowledge import ABLE
from tests.functional.operating import Operator
from vfio_lm.pci.host_facts import MigrationFlags
from vfio_lm.preflight import Scope, Status, Verdict

PLAIN_DRIVER: Mapping[str, Any] = {
    "driver": "vfio-pci",
    "has_variant_driver": False,
    "migration": None,
}


class Stage(CloudTestCase):
    """A cloud in which situations are made; an operator stands by."""

    operator: Operator

    def mobile(self, flavor: str | None = None, **fields: Any) -> str:
        """Create a server on compute1 that could move to compute2."""
        server = self.boot(flavor or self.flavor("vf-yes:1"), host="compute1", **fields)
        self.operator.servers.append(server)
        return server

    def other(self, flavor: str, host: str = "compute2", **fields: Any) -> str:
        """Create another server, which the operator may move."""
        server = self.boot(flavor, host=host, name="other", **fields)
        self.operator.servers.append(server)
        self.operator.words["SERVER"] = server
        return server

    def set_vnic_type(self, port: str, vnic_type: str) -> None:
        """Change what kind of device a port needs."""
        body = {"port": {"binding:vnic_type": vnic_type}}
        self.assertTrue(self.connection.network.put(f"/ports/{port}", json=body).ok)

    def volume(self, **image_properties: str) -> str:
        """Create a volume of an image with such properties; return its ID."""
        volumes = self.connection.block_storage
        response = volumes.post("/volumes", json={"volume": {"size": 1, "name": "root"}})
        volume = str(response.json()["volume"]["id"])
        action = {"os-set_image_metadata": {"metadata": image_properties}}
        self.assertTrue(volumes.post(f"/volumes/{volume}/action", json=action).ok)
        return volume

    def port_server(self) -> tuple[str, str]:
        """Create a server with an SR-IOV port on compute1; return it and its port."""
        port = self.connection.network.find_port("sriov-1")
        return self.mobile(self.flavor(None), networks=[{"port": port.id}]), port.id


Make = Callable[[Stage], str]


class Place(enum.Enum):
    """In which kind of cloud a situation is made, and what the preflight is told beforehand."""

    IN_PLACEMENT = "devices are in placement; the preflight knows the nova.conf of the API"
    THREE_HOSTS = "the same, with a third host"
    ON_HOSTS = "devices are not in placement; the preflight knows nova.conf and facts of all hosts"
    PORTS = "the same, for devices of a physical network"


@dataclasses.dataclass(frozen=True)
class Situation:
    """Something that one check alone notices, and whose remedy settles it."""

    check: str
    status: Status
    make: Make
    """Makes the situation; returns the server."""
    place: Place = Place.IN_PLACEMENT
    scope: Scope | None = None
    """For a check that is asked both of the source and of a destination."""
    way: int = 0
    """Which of the ways of its remedy is taken."""
    besides: Callable[[Stage], None] | None = None
    """What a sentence of the remedy asks for that is no line to paste."""
    with_it: tuple[str, ...] = ()
    """Checks that cannot but have something to say as well."""
    verdict: Verdict | None = None
    """Where it does not follow from the status."""
    afterwards: Status | None = None
    """What the check still says where the remedy is carried out."""
    moves: bool = False
    """Whether it is the remedy itself that moves the server."""

    @property
    def name(self) -> str:
        """The name of its test."""
        where = f"{self.scope.value}_" if self.scope else ""
        way = f"_way_{self.way + 1}" if self.way else ""
        return f"{where}{self.check}_{self.make.__name__}{way}".replace("-", "_")


# Servers


def is_off(stage: Stage) -> str:
    server = stage.mobile()
    stage.connection.compute.stop_server(server)
    wait_for("it is off", lambda: stage.show(server)["status"] == "SHUTOFF")
    return server


def is_suspended(stage: Stage) -> str:
    server = stage.mobile(stage.flavor(None))
    stage.connection.compute.suspend_server(server)
    wait_for("it sleeps", lambda: stage.show(server)["status"] == "SUSPENDED")
    return server


def is_locked(stage: Stage) -> str:
    server = stage.mobile()
    stage.connection.compute.lock_server(server)
    return server


def alias_says_nothing(stage: Stage) -> str:
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return stage.mobile(stage.flavor("vf-any:1"))


def alias_is_not_known(stage: Stage) -> str:
    stage.operator.options.clear()
    return stage.mobile()


def alias_is_in_another_file(stage: Stage) -> str:
    path = stage.operator.folder / "empty.conf"
    path.write_text("[filter_scheduler]\npci_in_placement = true\n")
    os.utime(path, (0, 0))
    stage.operator.options[:] = ["--nova-conf", str(path)]
    return stage.mobile()


def alias_file_is_younger(stage: Stage) -> str:
    server = stage.mobile()
    now = datetime.datetime.now().timestamp() + 1
    os.utime(stage.cloud.nova_conf(), (now, now))
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return server


def flavor_has_a_feature(stage: Stage) -> str:
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return stage.mobile(stage.flavor("vf-yes:1", **{"hw:watchdog_action": "none"}))


def hint_is_not_understood(stage: Stage) -> str:
    return stage.mobile(hints={"colour": "blue"})


def network_is_silent(stage: Stage) -> str:
    server = stage.mobile()
    _silence(stage, "network")
    return server


def services_answer(stage: Stage) -> None:
    stage.operator.connection = stage.connection


def flavor_has_a_numa_topology(stage: Stage) -> str:
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return stage.mobile(stage.flavor("vf-yes:1", **{"hw:numa_nodes": "1"}))


def _from_volume(stage: Stage, **image_properties: str) -> str:
    disk = {
        "boot_index": 0,
        "uuid": stage.volume(**image_properties),
        "source_type": "volume",
        "destination_type": "volume",
    }
    return stage.mobile(imageRef="", block_device_mapping_v2=[disk])


def volume_is_not_told(stage: Stage) -> str:
    server = _from_volume(stage, os_distro="debian")
    _silence(stage, "block_storage")
    return server


def volume_is_of_a_special_image(stage: Stage) -> str:
    return _from_volume(stage, hw_architecture="x86_64")


def _silence(stage: Stage, service: str) -> None:
    # nothing listens on the port of a service that is long out of use
    stage.operator.connection = stage.cloud.connection()
    stage.operator.connection.config.config[f"{service}_endpoint_override"] = "http://127.0.0.1:9"


# Sources, and what the server holds there


def source_is_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.stop_host("compute1")
    return server


def source_is_forced_down(stage: Stage) -> str:
    server = stage.mobile()
    _force_down(stage, "compute1")
    return server


def device_lost_its_mark(stage: Stage) -> str:
    server = stage.mobile()
    stage.operator.restart("compute1", device_specs=(UNTAGGED,))
    return server


def device_is_of_an_older_nova(stage: Stage) -> str:
    """Leave of the traits what nova-compute before 34.0.0 reports."""
    server = stage.mobile()
    placement = stage.connection.placement
    (provider,) = (
        each
        for each in placement.get("/resource_providers").json()["resource_providers"]
        if each["name"].startswith("compute1_")
    )
    path = f"/resource_providers/{provider['uuid']}/traits"
    known = placement.get(path).json()
    known["traits"] = ["COMPUTE_MANAGED_PCI_DEVICE"]
    stage.assertEqual(200, placement.put(path, json=known).status_code)
    return server


def allocation_is_lost(stage: Stage) -> str:
    server = stage.mobile()
    stage.assertEqual(204, stage.connection.placement.delete(f"/allocations/{server}").status_code)
    return server


def allocation_is_partly_elsewhere(stage: Stage) -> str:
    """Leave a device behind on another host, as a move that broke off may do."""
    server = stage.mobile()
    placement = stage.connection.placement
    path = f"/allocations/{server}"
    held = placement.get(path, microversion="1.36").json()
    (there,) = (
        each["uuid"]
        for each in placement.get("/resource_providers").json()["resource_providers"]
        if each["name"].startswith("compute2_")
    )
    held["allocations"][there] = {"resources": {"CUSTOM_PCI_8086_1515": 1}}
    response = placement.put(path, json=held, microversion="1.36")
    stage.assertEqual(204, response.status_code, response.text)
    stage.operator.options += ["--host", "compute3"]
    return server


def aliases_ask_for_another_class(stage: Stage) -> str:
    """Give the preflight an alias for other devices than those that the server was made with."""
    path = stage.operator.folder / "of-today.conf"
    text = stage.cloud.nova_conf().read_text()
    path.write_text(text.replace('"product_id": "1515"', '"product_id": "1520"'))
    os.utime(path, (0, 0))
    stage.operator.options[:] = ["--nova-conf", str(path)]
    return stage.mobile()


# Destinations


def destination_is_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.stop_host("compute2")
    return server


def destination_is_forced_down(stage: Stage) -> str:
    server = stage.mobile()
    _force_down(stage, "compute2")
    return server


def destination_is_disabled(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.disable_host("compute2")
    return server


def _force_down(stage: Stage, host: str) -> None:
    (service,) = stage.connection.compute.services(host=host, binary="nova-compute")
    stage.connection.compute.put(
        f"/os-services/{service.id}", json={"forced_down": True}, microversion=MICROVERSION
    )


def hypervisor_is_older(stage: Stage) -> str:
    server = stage.mobile()
    stage.operator.restart("compute1", qemu_version="9.0.0")
    stage.cloud.update_resources()
    return server


def upgrade_of_the_hypervisor(stage: Stage) -> None:
    stage.operator.restart("compute2", qemu_version="9.0.0")
    stage.cloud.update_resources()


def memory_is_short(stage: Stage) -> str:
    flavor = stage.connection.compute.create_flavor(name="big", vcpus=1, ram=1280, disk=1)
    stage.other(str(flavor.id))
    return stage.mobile()


def devices_are_not_marked(stage: Stage) -> str:
    stage.operator.restart("compute2", device_specs=(UNTAGGED,))
    return stage.mobile()


def devices_are_in_use(stage: Stage) -> str:
    flavor = stage.flavor("vf-yes:1")
    stage.other(flavor)
    stage.other(flavor)
    server = stage.mobile()
    stage.operator.know_hosts()
    return server


def group_keeps_them_apart(stage: Stage) -> str:
    response = stage.connection.compute.post(
        "/os-server-groups",
        json={"server_group": {"name": "apart", "policy": "anti-affinity"}},
        microversion=MICROVERSION,
    )
    hints = {"group": response.json()["server_group"]["id"]}
    stage.other(stage.flavor(None), hints=hints)
    stage.operator.options += ["--host", "compute2"]
    return stage.mobile(hints=hints)


def three_minutes_pass(stage: Stage) -> None:
    """Let the scheduler hear from the host that a server has left it."""
    stage.operator.later = datetime.timedelta(minutes=3)


def zone_is_another(stage: Stage) -> str:
    compute = stage.connection.compute
    aggregate = compute.create_aggregate(name="first", availability_zone="az1")
    compute.add_host_to_aggregate(aggregate, "compute1")
    server = stage.boot(stage.flavor("vf-yes:1"), availability_zone="az1")
    stage.operator.servers.append(server)
    return server


def aggregate_is_isolated(stage: Stage) -> str:
    compute = stage.connection.compute
    aggregate = compute.create_aggregate(name="special")
    compute.add_host_to_aggregate(aggregate, "compute2")
    compute.set_aggregate_metadata(aggregate, {"trait:CUSTOM_SPECIAL": "required"})
    return stage.mobile()


# What placement is asked


def a_host_is_offered_in_vain(stage: Stage) -> str:
    stage.operator.restart("compute3", device_specs=(UNTAGGED,))
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return stage.mobile()


def there_are_too_many_candidates(stage: Stage) -> str:
    server = stage.mobile()
    unfit = ("OWNER_NOVA", "COMPUTE_MANAGED_PCI_DEVICE")
    stage.cloud.fill_placement(hosts=260, pfs=4, vfs=1, pci_traits=unfit)
    stage.addCleanup(stage.cloud.empty_placement_filler)
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return server


# What hosts tell of themselves


def nothing_is_told_of_hosts(stage: Stage) -> str:
    server = stage.mobile()
    stage.operator.is_told_of_hosts = True
    return server


def facts_are_old(stage: Stage) -> str:
    server = stage.mobile()
    stage.operator.know_hosts()
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=2)
    stage.operator.probe("compute2", taken_at=long_ago)
    return server


def a_resize_is_not_confirmed(stage: Stage) -> str:
    mover = stage.boot(stage.flavor("vf-yes:1"), host="compute1", name="mover")
    server = stage.mobile()
    stage.connection.compute.resize_server(mover, stage.flavor(None))
    wait_for("it waits", lambda: stage.show(mover)["status"] == "VERIFY_RESIZE")
    return server


def _with_facts(name: str, host: str, address: str | None = None, **device: Any) -> Make:
    def make(stage: Stage) -> str:
        server = stage.mobile()
        stage.operator.words["VARIANT_DRIVER"] = str(ABLE["driver"])
        stage.operator.words["PORT"] = "1"
        stage.operator.devices[host, address] = device
        stage.operator.know_hosts()
        return server

    make.__name__ = name
    return make


def _mend(host: str) -> Callable[[Stage], None]:
    """Do to devices what a sentence asks for, and look at the host again."""

    def mend(stage: Stage) -> None:
        stage.operator.devices.clear()
        stage.operator.probe(host)

    return mend


def _with_conf(host: str, line: str, **device: Any) -> Make:
    def make(stage: Stage) -> str:
        server = stage.mobile()
        stage.operator.devices[host, None] = device
        stage.operator.know_hosts()
        stage.operator.write_conf(host, "libvirt", line)
        return server

    make.__name__ = line.partition(" ")[0]
    return make


# Ports


def port_is_replugged(stage: Stage) -> str:
    server, _ = stage.port_server()
    stage.operator.know_hosts()
    return server


def _with_port(vnic_type: str) -> Make:
    def make(stage: Stage) -> str:
        server, port = stage.port_server()
        stage.set_vnic_type(port, vnic_type)
        stage.addCleanup(stage.set_vnic_type, port, "direct")
        stage.operator.know_hosts()
        return server

    make.__name__ = f"port_is_{vnic_type}"
    return make


def port_cannot_be_bound_twice(stage: Stage) -> str:
    server, _ = stage.port_server()
    stage.cloud.leave_out_extensions("binding-extended")
    stage.operator.know_hosts()
    return server


def extension_is_loaded(stage: Stage) -> None:
    stage.cloud.leave_out_extensions()


def a_tag_has_no_effect(stage: Stage) -> str:
    server, _ = stage.port_server()
    (spec,) = next(host for host in stage.hosts if host.name == "compute2").device_specs
    stage.operator.restart("compute2", device_specs=(spec | {"live_migratable": "yes"},))
    stage.operator.know_hosts()
    return server


FAIL, WARN, UNKNOWN = Status.FAIL, Status.WARN, Status.UNKNOWN
SOURCE, DESTINATION = Scope.SOURCE, Scope.DESTINATION
HOSTS, PORTS, THREE = Place.ON_HOSTS, Place.PORTS, Place.THREE_HOSTS
UNABLE = {"migration": MigrationFlags(stop_copy=False)}
SILENT = {"migration": None}
ONE_FREE_VF = "0000:82:00.1"

CATALOGUE: tuple[Situation, ...] = (
    Situation("server-state", FAIL, is_off),
    Situation("server-state", FAIL, is_suspended),
    Situation("server-state", WARN, is_locked),
    Situation("server-features", UNKNOWN, flavor_has_a_feature),
    Situation("server-features", UNKNOWN, hint_is_not_understood, moves=True),
    Situation("server-features", UNKNOWN, volume_is_not_told, besides=services_answer),
    Situation("server-features", UNKNOWN, volume_is_of_a_special_image, moves=True),
    Situation("server-devices", UNKNOWN, network_is_silent, besides=services_answer),
    Situation(
        "alias-defined",
        WARN,
        alias_is_in_another_file,
        with_it=("alias-live-migratable",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation("alias-live-migratable", FAIL, alias_says_nothing),
    Situation("alias-live-migratable", UNKNOWN, alias_is_not_known),
    Situation("alias-changed-since-boot", WARN, alias_file_is_younger, afterwards=WARN),
    Situation("port-binding", WARN, port_is_replugged, PORTS, afterwards=WARN),
    Situation("port-binding", FAIL, _with_port("accelerator-direct"), PORTS),
    Situation(
        "port-binding",
        FAIL,
        port_cannot_be_bound_twice,
        PORTS,
        besides=extension_is_loaded,
        afterwards=WARN,
    ),
    Situation("port-binding", UNKNOWN, _with_port("vdpa"), PORTS, with_it=("destination-devices",)),
    Situation(
        "port-live-migratable-ignored", WARN, a_tag_has_no_effect, PORTS, with_it=("port-binding",)
    ),
    Situation("source-up", FAIL, source_is_down),
    Situation("source-up", FAIL, source_is_forced_down),
    Situation("device-trait", FAIL, device_lost_its_mark),
    Situation("device-trait", UNKNOWN, device_is_of_an_older_nova),
    Situation(
        "allocation-consistent",
        WARN,
        allocation_is_lost,
        with_it=("destination-devices",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation("allocation-consistent", UNKNOWN, allocation_is_partly_elsewhere, THREE),
    Situation(
        "allocation-consistent",
        UNKNOWN,
        aliases_ask_for_another_class,
        with_it=("alias-live-migratable",),
    ),
    Situation(
        "host-drivers", FAIL, _with_facts("is_plain", "compute1", **PLAIN_DRIVER), HOSTS, SOURCE
    ),
    Situation(
        "host-drivers",
        FAIL,
        _with_facts("logs_no_dma", "compute1", logs_dma=False),
        HOSTS,
        SOURCE,
        besides=_mend("compute1"),
    ),
    Situation(
        "host-drivers",
        UNKNOWN,
        _with_facts("is_silent", "compute1", **SILENT),
        HOSTS,
        SOURCE,
        besides=_mend("compute1"),
    ),
    Situation(
        "host-drivers",
        FAIL,
        _with_facts("are_plain", "compute2", **PLAIN_DRIVER),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "host-drivers",
        WARN,
        _with_facts("one_is_plain", "compute2", ONE_FREE_VF, **PLAIN_DRIVER),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "host-drivers",
        FAIL,
        _with_facts("are_unable", "compute2", **UNABLE),
        HOSTS,
        DESTINATION,
        besides=_mend("compute2"),
    ),
    Situation(
        "host-drivers",
        FAIL,
        _with_facts("are_switched_off", "compute2", is_devlink_migratable=False),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "downtime-fits",
        WARN,
        _with_facts("state_is_large", "compute1", state_size_bytes=1 << 40),
        HOSTS,
    ),
    Situation(
        "post-copy-off",
        FAIL,
        _with_conf("compute1", "live_migration_permit_post_copy = true"),
        HOSTS,
        SOURCE,
    ),
    Situation(
        "post-copy-off",
        WARN,
        _with_conf("compute2", "live_migration_permit_post_copy = true"),
        HOSTS,
        DESTINATION,
    ),
    Situation("destination-service", FAIL, destination_is_down),
    Situation("destination-service", FAIL, destination_is_forced_down),
    Situation(
        "destination-service", FAIL, destination_is_disabled, with_it=("destination-capacity",)
    ),
    Situation(
        "destination-hypervisor", FAIL, hypervisor_is_older, besides=upgrade_of_the_hypervisor
    ),
    Situation("destination-hypervisor", FAIL, hypervisor_is_older, way=1, afterwards=WARN),
    Situation("destination-capacity", FAIL, memory_is_short),
    Situation(
        "destination-devices", FAIL, devices_are_not_marked, with_it=("candidate-precision",)
    ),
    Situation("destination-devices", FAIL, devices_are_in_use, HOSTS),
    Situation("destination-devices", WARN, facts_are_old, HOSTS),
    Situation("destination-devices", UNKNOWN, a_resize_is_not_confirmed, HOSTS),
    Situation("destination-group", FAIL, group_keeps_them_apart, THREE, besides=three_minutes_pass),
    Situation("destination-group", FAIL, group_keeps_them_apart, way=1),
    Situation("destination-zone", FAIL, zone_is_another),
    Situation("destination-zone", UNKNOWN, aggregate_is_isolated),
    Situation(
        "destination-same-driver",
        FAIL,
        _with_facts("is_another", "compute2", driver="qat_vfio_pci"),
        HOSTS,
    ),
    Situation(
        "destination-same-driver",
        WARN,
        _with_facts("one_is_another", "compute2", ONE_FREE_VF, driver="qat_vfio_pci"),
        HOSTS,
    ),
    Situation(
        "destination-same-driver",
        WARN,
        _with_facts("firmware_is_another", "compute2", firmware="20.1.1"),
        HOSTS,
        besides=_mend("compute2"),
    ),
    Situation("numa", UNKNOWN, flavor_has_a_numa_topology),
    Situation(
        "pci-in-placement",
        UNKNOWN,
        nothing_is_told_of_hosts,
        HOSTS,
        with_it=("destination-devices",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation("candidate-cost", WARN, there_are_too_many_candidates, THREE),
    Situation(
        "candidate-precision",
        WARN,
        a_host_is_offered_in_vain,
        THREE,
        with_it=("destination-devices",),
    ),
)
