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

"""Situations of a server and of what it holds where it is."""

from __future__ import annotations

import datetime
import os

from tests.cloud.administrator import wait_for
from tests.functional.base import UNTAGGED
from tests.functional.situations.stage import Stage


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
    return stage.mobile(stage.flavor("vf-yes:1", **{"hw:redirected_usb_ports": "1"}))


def network_is_silent(stage: Stage) -> str:
    server = stage.mobile()
    _silence(stage, "network")
    return server


def services_answer(stage: Stage) -> None:
    stage.operator.connection = stage.connection


def flavor_has_a_numa_topology(stage: Stage) -> str:
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    return stage.mobile(stage.flavor("vf-yes:1", **{"hw:numa_nodes": "1"}))


def _from_volume(stage: Stage, flavor: str | None = None, **image_properties: str) -> str:
    disk = {
        "boot_index": 0,
        "uuid": stage.volume(**image_properties),
        "source_type": "volume",
        "destination_type": "volume",
    }
    return stage.mobile(flavor, imageRef="", block_device_mapping_v2=[disk])


def flavor_has_a_viommu(stage: Stage) -> str:
    stage.operator.words["FLAVOR"] = stage.flavor("vf-yes:1")
    flavor = stage.flavor("vf-yes:1", **{"hw:viommu_model": "auto"})
    # nova gives a virtual IOMMU to no other machine
    return _from_volume(stage, flavor, hw_machine_type="q35")


def volume_is_not_told(stage: Stage) -> str:
    server = _from_volume(stage, os_distro="debian")
    _silence(stage, "block_storage")
    return server


def volume_is_of_a_special_image(stage: Stage) -> str:
    return _from_volume(stage, hw_redirected_usb_ports="1")


def _silence(stage: Stage, service: str) -> None:
    # nothing listens on the port of a service that is long out of use
    stage.operator.connection = stage.cloud.connection()
    stage.operator.connection.config.config[f"{service}_endpoint_override"] = "http://127.0.0.1:9"


def source_is_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.cloud.stop_host("compute1")
    return server


def source_is_forced_down(stage: Stage) -> str:
    server = stage.mobile()
    stage.force_down("compute1")
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
