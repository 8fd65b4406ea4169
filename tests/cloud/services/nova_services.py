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

"""All services of nova in one process: what starts in which order.

Not in which kind of threads they run; that is settled before this module is imported.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import nova.conf
from nova import config, context, objects, policy, service
from nova.api import wsgi as nova_wsgi
from nova.api.openstack import wsgi_app
from nova.conductor import rpcapi as conductor_rpcapi
from nova.scheduler import rpcapi as scheduler_rpcapi
from oslo_log import log as logging

from tests.cloud.services import (
    api_paste,
    bus,
    databases,
    doubles,
    fleet,
    hosts,
    hypervisors,
    networks,
    pools,
    runtime,
    sqlite,
)
from tests.cloud.services.commands import Commands
from tests.cloud.services.network_view import NetworkView
from tests.cloud.services.volume_view import VolumeView
from tests.cloud.settings import CONTROLLER, Settings
from vfio_lm.inside_nova import corrections

API_THREADS = 8


def run(settings: Settings) -> None:
    """Start all of nova, then serve its API."""
    _configure(settings)
    corrections.correct_when_imported(
        each for each in corrections.CORRECTIONS if each.name in settings.spec.corrections
    )
    databases.create(settings, context.get_admin_context())
    stand_ins = doubles.Doubles(settings)
    stand_ins.install()
    all_hypervisors = hypervisors.Hypervisors(settings.spec.migration_seconds)
    all_hypervisors.install()
    hosts.install()
    bus.install()
    pools.install()
    computes = fleet.Fleet(settings, settings.spec, all_hypervisors)
    _start_controller()
    computes.start_all()
    app = _load_api(settings)
    _serve_beside(settings, "cinder", VolumeView(stand_ins.cinder, settings.url("cinder")))
    commands = computes.commands()
    if stand_ins.neutron is not None:
        networks.add_sriov_ports(stand_ins.neutron)
        commands["leave-out-extensions"] = stand_ins.neutron.leave_out_extensions
        view = NetworkView(stand_ins.neutron, settings.url("neutron"), computes.host_states)
        _serve_beside(settings, "neutron", view)
    readers = {"plugged": all_hypervisors.plugged}
    _serve_beside(settings, "control", Commands(commands, settings.control_key, readers))
    runtime.announce(settings, "nova")
    runtime.serve(settings, "nova", app, API_THREADS)


def _configure(settings: Settings) -> None:
    # nova looks for it beside its nova.conf
    paste = settings.nova_conf().with_name("api-paste.ini")
    paste.write_text(api_paste.text(settings.spec.api_filter))
    sys.argv = ["nova-api", "--config-file", str(settings.nova_conf())]
    config.parse_args(sys.argv)
    logging.setup(nova.conf.CONF, "nova")
    objects.register_all()
    sqlite.serialize_writers()


def _start_controller() -> None:
    for binary, topic in (
        ("nova-conductor", conductor_rpcapi.RPC_TOPIC),
        ("nova-scheduler", scheduler_rpcapi.RPC_TOPIC),
    ):
        service.Service.create(host=CONTROLLER, binary=binary, topic=topic).start()


def _load_api(settings: Settings) -> Any:
    wsgi_app._setup_service(CONTROLLER, "osapi_compute")
    # not safe in the threads of the first requests
    policy.init()
    return nova_wsgi.Loader(nova.conf.CONF.wsgi.api_paste_config).load_app("osapi_compute")


def _serve_beside(settings: Settings, listener: str, app: Any) -> None:
    threading.Thread(
        target=runtime.serve, args=(settings, listener, app, 2), name=listener, daemon=True
    ).start()
