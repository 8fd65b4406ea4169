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

"""What nova would tell about a live migration, with something in every field; no tests."""

from __future__ import annotations

import datetime
from typing import Any

from vfio_lm.cloud.model import ActionEvent, Migration, ServerAction
from vfio_lm.cloud.model.migration import LIVE_MIGRATION
from vfio_lm.preflight import CheckResult, DestinationReport, Refuser, Report, Scope, Status

BEGAN = datetime.datetime(2026, 11, 24, 4, 8, 5, tzinfo=datetime.UTC)
SERVER = "54d230f3-d8b5-4d7c-8ad4-43033325152b"
REQUEST = "req-a8231af3-7d60-4046-9627-dbc94952bb06"


def later(seconds: float) -> datetime.datetime:
    return BEGAN + datetime.timedelta(seconds=seconds)


def migration(**changes: Any) -> Migration:
    fields = {
        "id": 7,
        "uuid": "e5bc7283-eb38-4a20-9ad5-7a7ee0cb12da",
        "server_id": SERVER,
        "status": "error",
        "source": "compute1",
        "destination": "compute2",
        "created_at": BEGAN,
        "updated_at": later(4),
    }
    return Migration(**fields | changes)


def event(name: str = "conductor_live_migrate_instance", **changes: Any) -> ActionEvent:
    fields = {
        "name": name,
        "host": "controller",
        "result": "Success",
        "details": "",
        "started_at": BEGAN,
        "finished_at": later(1),
    }
    return ActionEvent(**fields | changes)


def failed(details: str, name: str = "conductor_live_migrate_instance") -> ActionEvent:
    return event(name, result="Error", details=details)


def action(*events: ActionEvent, name: str = LIVE_MIGRATION, **changes: Any) -> ServerAction:
    fields = {
        "name": name,
        "request_id": REQUEST,
        "user_id": "80d0e2cf",
        "started_at": BEGAN,
        "events": events,
    }
    return ServerAction(**fields | changes)


def check_result(
    id_: str,
    status: Status,
    *,
    host: str | None = None,
    refused_by: Refuser = Refuser.SCHEDULER,
) -> CheckResult:
    return CheckResult(
        id=id_,
        scope=Scope.DESTINATION if host else Scope.SERVER,
        host=host,
        status=status,
        message=f"what {id_} says",
        remedy=f"what {id_} recommends",
        evidence={},
        refused_by=refused_by,
        is_decisive=True,
    )


def report(*checks: CheckResult, source: str = "compute1") -> Report:
    """A preflight of a server that could go to compute2 and compute3."""
    return Report(
        server_id=SERVER,
        server_name="vm",
        source_host=source,
        requested_host=None,
        nova_microversion="2.104",
        checks=tuple(check for check in checks if check.host is None),
        destinations=tuple(
            DestinationReport(host, tuple(check for check in checks if check.host == host), ())
            for host in ("compute2", "compute3")
        ),
    )
