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

The table has at least one situation for every check that is installed; a test holds it against
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.functional.situations import destinations, ports, servers, told_of_hosts
from tests.functional.situations.stage import Place, Situation
from vfio_lm.pci.migratability import MigrationFlags
from vfio_lm.preflight import Scope, Status, Verdict

PLAIN_DRIVER: Mapping[str, Any] = {
    "driver": "vfio-pci",
    "has_variant_driver": False,
    "migration": None,
}
FAIL, WARN, UNKNOWN = Status.FAIL, Status.WARN, Status.UNKNOWN
SOURCE, DESTINATION = Scope.SOURCE, Scope.DESTINATION
HOSTS, PORTS, THREE = Place.ON_HOSTS, Place.PORTS, Place.THREE_HOSTS
NEUTRON = Place.NEUTRON
UNABLE = {"migration": MigrationFlags(stop_copy=False)}
SILENT = {"migration": None}
ONE_FREE_VF = "0000:82:00.1"

CATALOGUE: tuple[Situation, ...] = (
    Situation("server-state", FAIL, servers.is_off),
    Situation("server-state", FAIL, servers.is_suspended),
    Situation("server-state", WARN, servers.is_locked),
    Situation("server-features", UNKNOWN, servers.flavor_has_a_feature),
    Situation(
        "server-features",
        UNKNOWN,
        servers.volume_is_not_told,
        with_it=("viommu",),
        besides=servers.services_answer,
    ),
    Situation("server-features", UNKNOWN, servers.volume_is_of_a_special_image, moves=True),
    Situation(
        "server-devices",
        UNKNOWN,
        servers.network_is_silent,
        with_it=("destination-network",),
        besides=servers.services_answer,
    ),
    Situation(
        "alias-defined",
        WARN,
        servers.alias_is_in_another_file,
        with_it=("alias-live-migratable",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation("alias-live-migratable", FAIL, servers.alias_says_nothing),
    Situation("alias-live-migratable", UNKNOWN, servers.alias_is_not_known),
    Situation("alias-changed-since-boot", WARN, servers.alias_file_is_younger, afterwards=WARN),
    Situation("port-binding", WARN, ports.port_is_replugged, PORTS, afterwards=WARN),
    Situation(
        "port-binding",
        FAIL,
        ports.with_port("accelerator-direct"),
        PORTS,
        # nova may still ask for the device of a port that is gone
        left_open=("request-drift",),
    ),
    Situation(
        "port-binding",
        FAIL,
        ports.port_cannot_be_bound_twice,
        PORTS,
        besides=ports.extension_is_loaded,
        afterwards=WARN,
    ),
    Situation(
        "port-binding",
        UNKNOWN,
        ports.with_port("vdpa"),
        PORTS,
        with_it=("destination-devices",),
        left_open=("request-drift",),
    ),
    Situation(
        "port-live-migratable-ignored",
        WARN,
        ports.a_tag_has_no_effect,
        PORTS,
        with_it=("port-binding",),
    ),
    Situation("source-network", FAIL, ports.agents_are_dead("compute1"), NEUTRON),
    Situation("destination-network", FAIL, ports.agents_are_dead("compute2"), NEUTRON),
    Situation("source-up", FAIL, servers.source_is_down),
    Situation("source-up", FAIL, servers.source_is_forced_down),
    Situation("device-trait", WARN, servers.device_lost_its_mark),
    Situation("device-trait", UNKNOWN, servers.device_is_of_an_older_nova),
    Situation(
        "allocation-consistent",
        WARN,
        servers.allocation_is_lost,
        with_it=("destination-devices",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation("allocation-consistent", UNKNOWN, servers.allocation_is_partly_elsewhere, THREE),
    Situation(
        "allocation-consistent",
        UNKNOWN,
        servers.aliases_ask_for_another_class,
        with_it=("alias-live-migratable",),
    ),
    Situation(
        "host-drivers",
        FAIL,
        told_of_hosts.with_facts("is_plain", "compute1", **PLAIN_DRIVER),
        HOSTS,
        SOURCE,
    ),
    Situation(
        "host-drivers",
        FAIL,
        told_of_hosts.with_facts("logs_no_dma", "compute1", logs_dma=False),
        HOSTS,
        SOURCE,
        besides=told_of_hosts.mend("compute1"),
    ),
    Situation(
        "host-drivers",
        UNKNOWN,
        told_of_hosts.with_facts("is_silent", "compute1", **SILENT),
        HOSTS,
        SOURCE,
        besides=told_of_hosts.mend("compute1"),
    ),
    Situation(
        "host-drivers",
        FAIL,
        told_of_hosts.with_facts("are_plain", "compute2", **PLAIN_DRIVER),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "host-drivers",
        WARN,
        told_of_hosts.with_facts("one_is_plain", "compute2", ONE_FREE_VF, **PLAIN_DRIVER),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "host-drivers",
        FAIL,
        told_of_hosts.with_facts("are_unable", "compute2", **UNABLE),
        HOSTS,
        DESTINATION,
        besides=told_of_hosts.mend("compute2"),
    ),
    Situation(
        "host-drivers",
        FAIL,
        told_of_hosts.with_facts("are_switched_off", "compute2", is_devlink_migratable=False),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "downtime-fits",
        WARN,
        told_of_hosts.with_facts("state_is_large", "compute1", state_size_bytes=1 << 40),
        HOSTS,
    ),
    Situation(
        "post-copy-off",
        FAIL,
        told_of_hosts.with_conf("compute1", "live_migration_permit_post_copy = true"),
        HOSTS,
        SOURCE,
    ),
    Situation(
        "post-copy-off",
        WARN,
        told_of_hosts.with_conf("compute2", "live_migration_permit_post_copy = true"),
        HOSTS,
        DESTINATION,
    ),
    Situation(
        "timeout-action",
        WARN,
        told_of_hosts.with_conf("compute1", "live_migration_timeout_action = force_complete"),
        HOSTS,
    ),
    Situation(
        "parallel-connections",
        WARN,
        told_of_hosts.with_conf("compute1", "live_migration_parallel_connections = 4"),
        HOSTS,
        # QEMU is not upgraded for a test
        afterwards=WARN,
    ),
    Situation("viommu", FAIL, servers.flavor_has_a_viommu),
    Situation("destination-service", FAIL, destinations.destination_is_down),
    Situation("destination-service", FAIL, destinations.destination_is_forced_down),
    Situation(
        "destination-service",
        FAIL,
        destinations.destination_is_disabled,
        with_it=("destination-capacity",),
    ),
    Situation(
        "destination-hypervisor",
        FAIL,
        destinations.hypervisor_is_older,
        besides=destinations.upgrade_of_the_hypervisor,
    ),
    Situation(
        "destination-hypervisor", FAIL, destinations.hypervisor_is_older, way=1, afterwards=WARN
    ),
    Situation(
        "destination-processor", UNKNOWN, destinations.processor_is_another, way=1, moves=True
    ),
    Situation("destination-capacity", FAIL, destinations.memory_is_short),
    Situation(
        "destination-devices",
        FAIL,
        destinations.devices_are_not_marked,
        with_it=("candidate-precision",),
    ),
    Situation("destination-devices", FAIL, destinations.devices_are_in_use, HOSTS),
    Situation("destination-devices", WARN, told_of_hosts.facts_are_old, HOSTS),
    Situation("destination-devices", UNKNOWN, told_of_hosts.a_resize_is_not_confirmed, HOSTS),
    Situation(
        "destination-group",
        FAIL,
        destinations.group_keeps_them_apart,
        THREE,
        besides=destinations.three_minutes_pass,
    ),
    Situation("destination-group", FAIL, destinations.group_keeps_them_apart, way=1),
    Situation("destination-zone", FAIL, destinations.zone_is_another),
    Situation("destination-zone", UNKNOWN, destinations.aggregate_is_isolated),
    Situation("destination-filters", UNKNOWN, destinations.filters_are_in_another_file),
    Situation(
        "destination-same-driver",
        FAIL,
        told_of_hosts.with_facts("is_another", "compute2", driver="qat_vfio_pci"),
        HOSTS,
    ),
    Situation(
        "destination-same-driver",
        WARN,
        told_of_hosts.with_facts("one_is_another", "compute2", ONE_FREE_VF, driver="qat_vfio_pci"),
        HOSTS,
    ),
    Situation(
        "destination-same-driver",
        WARN,
        told_of_hosts.with_facts("firmware_is_another", "compute2", firmware="20.1.1"),
        HOSTS,
        besides=told_of_hosts.mend("compute2"),
    ),
    # nova's word settles the verdict, not what our own check knows
    Situation("numa", UNKNOWN, servers.flavor_has_a_numa_topology, afterwards=UNKNOWN),
    Situation(
        "pci-in-placement",
        UNKNOWN,
        told_of_hosts.nothing_is_told_of_hosts,
        HOSTS,
        with_it=("destination-devices",),
        verdict=Verdict.UNKNOWN,
    ),
    Situation(
        "candidate-cost",
        WARN,
        destinations.there_are_too_many_candidates,
        THREE,
        # placement may leave out a host that could take the server
        perhaps_with=frozenset({"destination-capacity"}),
    ),
    Situation(
        "candidate-precision",
        WARN,
        destinations.a_host_is_offered_in_vain,
        THREE,
        with_it=("destination-devices",),
    ),
)
