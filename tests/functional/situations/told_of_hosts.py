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

"""Situations of what is known of hosts: their nova.conf and their facts."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from tests.cloud.administrator import wait_for
from tests.functional.host_knowledge import ABLE
from tests.functional.situations.stage import Make, Stage


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


def with_facts(name: str, host: str, address: str | None = None, **device: Any) -> Make:
    def make(stage: Stage) -> str:
        server = stage.mobile()
        stage.operator.words["VARIANT_DRIVER"] = str(ABLE["driver"])
        stage.operator.words["PORT"] = "1"
        stage.operator.devices[host, address] = device
        stage.operator.know_hosts()
        return server

    make.__name__ = name
    return make


def mend(host: str) -> Callable[[Stage], None]:
    """Do to devices what a sentence asks for, and look at the host again."""

    def mend(stage: Stage) -> None:
        stage.operator.devices.clear()
        stage.operator.probe(host)

    return mend


def with_conf(host: str, line: str, **device: Any) -> Make:
    def make(stage: Stage) -> str:
        server = stage.mobile()
        stage.operator.devices[host, None] = device
        stage.operator.know_hosts()
        stage.operator.write_conf(host, "libvirt", line)
        return server

    make.__name__ = line.partition(" ")[0]
    return make
