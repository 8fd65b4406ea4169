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

"""Situations of a server with a port that needs a device."""

from __future__ import annotations

from tests.functional.situations.stage import Make, Stage


def port_is_replugged(stage: Stage) -> str:
    server, _ = stage.port_server()
    stage.operator.know_hosts()
    return server


def with_port(vnic_type: str) -> Make:
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


def agents_are_dead(host: str) -> Make:
    def make(stage: Stage) -> str:
        server = stage.kept_port_server()
        stage.cloud.stop_network_agents(host)
        (spec,) = (each for each in stage.hosts if each.name == host)
        stage.addCleanup(stage.cloud.start_network_agents, spec)
        stage.operator.know_hosts()
        return server

    make.__name__ = f"agents_of_{host}_are_dead"
    return make
