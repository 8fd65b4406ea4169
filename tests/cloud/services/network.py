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

"""The neutron of a cloud: SQLite, ML2 with SR-IOV and Open vSwitch, its agents beside it."""

from __future__ import annotations

import os
import shutil
import threading
from typing import Any

from tests.cloud.services import runtime, sqlite
from tests.cloud.services.commands import Commands
from tests.cloud.settings import Settings

API_THREADS = 4


def run(settings: Settings) -> None:
    """Make neutron's schema in a child process, then serve."""
    runtime.run_in_child(lambda: _make_schema(settings))
    sqlite.prepare(settings.database("neutron"))
    app = _load(settings)
    from tests.cloud.services.network_agents import Agents

    agents = Agents(settings)
    agents.start_all()
    commands = Commands(
        {"start": agents.start, "stop": agents.stop, "forget": agents.forget}, settings.control_key
    )
    threading.Thread(
        target=runtime.serve, args=(settings, "agents", commands, 1), name="agents", daemon=True
    ).start()
    runtime.announce(settings, "neutron")
    runtime.serve(settings, "neutron", app, API_THREADS)


def _make_schema(settings: Settings) -> None:
    """Make the tables of neutron's models, which takes a second; its migrations take many."""
    import sqlalchemy
    from neutron.db.migration.models import head
    from neutron_lib.db import model_base

    assert head
    sqlite.prepare(settings.database("neutron"))
    engine = sqlalchemy.create_engine(settings.database_url("neutron"))
    model_base.BASEV2.metadata.create_all(engine)


def _load(settings: Settings) -> Any:
    """Load neutron as its WSGI module does it, and let it listen to agents in this process.

    neutron 29: a process of its own listens to agents (``neutron.cmd.server.main_rpc``).
    """
    os.environ["OS_NEUTRON_CONFIG_DIR"] = str(settings.path("etc"))
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf"
    shutil.copy(runtime.shipped_file("neutron", "etc/neutron/api-paste.ini"), settings.path("etc"))
    from oslo_service import backend

    # before oslo.messaging is imported, which settles it otherwise
    backend.init_backend(backend.BackendType.THREADING)
    from tests.cloud.services import bus

    bus.install(as_json=True)
    sqlite.serialize_writers()
    from neutron.wsgi.api import application
    from neutron_lib.plugins import directory

    for plugin in directory.get_unique_plugins():
        if hasattr(plugin, "start_rpc_listeners"):
            plugin.start_rpc_listeners()
    return application


if __name__ == "__main__":
    runtime.main(run)
