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

"""Situations of the hosts that a server may go to, and of what placement is asked."""

from __future__ import annotations

import datetime
import os

import os_traits

from tests.cloud.administrator import MICROVERSION
from tests.functional.base import UNTAGGED
from tests.functional.situations.stage import Stage
from vfio_lm.pci.conf_text import ALIAS, read_conf_text


def destination_is_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.stop_host("compute2")
    return server


def destination_is_forced_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.force_down("compute2")
    return server


def destination_is_disabled(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.disable_host("compute2")
    return server


def hypervisor_is_older(stage: Stage) -> str:
    server = stage.mobile()
    stage.operator.restart("compute1", qemu_version="9.0.0")
    stage.cloud.update_resources()
    return server


def upgrade_of_the_hypervisor(stage: Stage) -> None:
    stage.operator.restart("compute2", qemu_version="9.0.0")
    stage.cloud.update_resources()


def processor_is_another(stage: Stage) -> str:
    server = stage.mobile()
    stage.admin.add_trait("compute1", os_traits.HW_CPU_X86_AVX512F)
    stage.operator.words["SERVER"] = server
    return server


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
    stage.operator.write_conf(None, "scheduler", "enable_isolated_aggregate_filtering = true")
    return stage.mobile()


def filters_are_in_another_file(stage: Stage) -> str:
    known = read_conf_text([stage.cloud.nova_conf()])
    aliases = "".join(f"{setting.text}\n" for setting in known.of(ALIAS))
    path = stage.operator.folder / "api.conf"
    path.write_text(f"[pci]\n{aliases}[filter_scheduler]\npci_in_placement = true\n")
    os.utime(path, (0, 0))
    stage.operator.options[:] = ["--nova-conf", str(path)]
    return stage.mobile(hints={"colour": "blue"})


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
