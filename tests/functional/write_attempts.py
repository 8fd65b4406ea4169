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

"""Tries to write in every way, in a process that runs nova's code for a dry run; no tests.

``python -m tests.functional.write_attempts SERVER NOVA_CONF…`` prints how each attempt ended.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

from vfio_lm.inside_nova.guard import Guard, WriteRefusedError
from vfio_lm.inside_nova.start import Place, start

REFUSED, PREVENTED, DONE = "refused", "prevented by the database", "done"


class Attempts:
    """Each method that begins with try tries one way."""

    def __init__(self, server: str, *confs: str) -> None:
        self.guard: Guard = start(Place(confs))
        from nova import context, objects

        from vfio_lm.inside_nova import stored_servers

        self.subject = stored_servers.load(server)
        self.context = self.subject.context
        self.admin = context.get_admin_context()
        self.objects = objects

    # nova's objects

    def try_object_save(self) -> None:
        self.subject.instance.display_name = "changed"
        self.subject.instance.save()

    def try_object_create(self) -> None:
        self.objects.Migration(self.context, instance_uuid=self.subject.instance.uuid).create()

    def try_object_destroy(self) -> None:
        self.subject.instance.destroy()

    def try_object_of_the_api_database(self) -> None:
        self.objects.InstanceMapping(self.admin, instance_uuid=self.subject.instance.uuid).create()

    # beneath the objects, through nova's functions and SQLAlchemy

    def try_database_function(self) -> None:
        from nova.db.main import api

        api.instance_update(self.context, self.subject.instance.uuid, {"display_name": "changed"})

    def try_database_function_delete(self) -> None:
        from nova.db.main import api

        api.instance_destroy(self.context, self.subject.instance.uuid)

    def try_statement_insert(self) -> None:
        self._execute("INSERT INTO tags (resource_id, tag) VALUES ('x', 'y')")

    def try_statement_update(self) -> None:
        self._execute("UPDATE instances SET display_name = 'changed'")

    def try_statement_delete(self) -> None:
        self._execute("  delete from instances")

    def try_statement_drop(self) -> None:
        self._execute("DROP TABLE instances")

    def try_statement_with(self) -> None:
        self._execute("WITH x AS (SELECT 1) DELETE FROM instances")

    def try_statement_lock(self) -> None:
        self._execute("SELECT * FROM instances FOR UPDATE")

    def try_statement_global(self) -> None:
        self._execute("SET GLOBAL max_connections = 1")

    # beneath SQLAlchemy: the session of the database itself

    def try_raw_cursor(self) -> None:
        connection = self._engine().raw_connection()
        connection.cursor().execute("UPDATE instances SET display_name = 'changed'")
        connection.commit()

    # other services

    def try_placement_put(self) -> None:
        self._report.put("/traits/CUSTOM_CHANGED", None, version="1.6")

    def try_placement_post(self) -> None:
        self._report.post("/resource_providers", {"name": "changed"}, version="1.20")

    def try_placement_delete(self) -> None:
        self._report.delete(f"/allocations/{self.subject.instance.uuid}")

    def try_placement_claim(self) -> None:
        uuid = self.subject.instance.uuid
        self._report.move_allocations(self.context, uuid, uuid)

    def try_neutron_create(self) -> None:
        self._neutron.create_port({"port": {"network_id": "x"}})

    def try_neutron_update(self) -> None:
        self._neutron.update_port("x", {"port": {"name": "changed"}})

    def try_neutron_delete(self) -> None:
        self._neutron.delete_port("x")

    def try_requests(self) -> None:
        import requests

        requests.patch(self._placement_url, timeout=5)

    def try_urllib(self) -> None:
        request = urllib.request.Request(f"{self._placement_url}/traits/CUSTOM_X", method="PUT")
        urllib.request.urlopen(request, timeout=5)

    # the message bus

    def try_rpc_cast(self) -> None:
        self._rpc_client.cast(self.context, "reboot_instance")

    def try_rpc_call(self) -> None:
        self._rpc_client.call(self.context, "get_host_uptime")

    def try_rpc_to_a_host(self) -> None:
        self._rpc_client.prepare(server="compute1").cast(self.context, "reboot_instance")

    def try_conductor(self) -> None:
        from nova.conductor import api

        api.ComputeTaskAPI().live_migrate_instance(self.context, self.subject.instance, "", 0, 0)

    def try_notification(self) -> None:
        from nova import rpc

        rpc.get_notifier("compute").info(self.context, "compute.instance.update", {})

    def try_versioned_notification(self) -> None:
        from nova import rpc

        rpc.get_versioned_notifier("compute").info(self.context, "instance.update", {})

    def try_messaging_beneath_nova(self) -> None:
        import nova.conf
        import oslo_messaging

        transport = oslo_messaging.get_rpc_transport(nova.conf.CONF, "fake://")
        target = oslo_messaging.Target(topic="compute", version="6.0")
        oslo_messaging.get_rpc_client(transport, target).cast({}, "reset")

    def try_notifier_beneath_nova(self) -> None:
        import nova.conf
        import oslo_messaging

        transport = oslo_messaging.get_notification_transport(nova.conf.CONF, "fake://")
        notifier = oslo_messaging.Notifier(transport, driver="messagingv2", topics=["x"])
        transport._send_notification(oslo_messaging.Target(topic="x"), {}, {}, 2.0)
        notifier.info({}, "x", {})

    @property
    def _rpc_client(self) -> Any:
        import oslo_messaging
        from nova import rpc

        return rpc.get_client(oslo_messaging.Target(topic="compute", version="6.0"))

    def _engine(self) -> Any:
        from nova.db.main import api

        return api.get_engine(context=self.context)

    def _execute(self, statement: str) -> None:
        import sqlalchemy

        with self._engine().begin() as connection:
            connection.execute(sqlalchemy.text(statement))

    @property
    def _report(self) -> Any:
        from nova.scheduler.client import report

        return report.report_client_singleton()

    @property
    def _neutron(self) -> Any:
        from nova.network import neutron

        return neutron.get_client(self.context, admin=True)

    @property
    def _placement_url(self) -> str:
        return str(self._report._client.get_endpoint())


def ended(guard: Guard, attempt: Callable[[], None]) -> str:
    """Make an attempt, and say how it ended."""
    del guard.refused[:]
    try:
        attempt()
    except WriteRefusedError:
        return REFUSED
    except Exception as exc:  # noqa: BLE001 - a driver's own
        if guard.refused:
            return REFUSED
        if "readonly" in str(exc) or "read-only" in str(exc) or "READ ONLY" in str(exc):
            return PREVENTED
        return f"{type(exc).__name__}: {exc}"
    return REFUSED if guard.refused else DONE


def main() -> None:
    attempts = Attempts(*sys.argv[1:])
    names = [name for name in dir(attempts) if name.startswith("try_")]
    found = {name: ended(attempts.guard, getattr(attempts, name)) for name in names}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
