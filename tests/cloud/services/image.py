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

"""The glance of a cloud: SQLite, a directory as its store; images come in over its API."""

from __future__ import annotations

import os
import shutil

from tests.cloud.services import runtime, sqlite
from tests.cloud.settings import Settings


def run(settings: Settings) -> None:
    """Make glance's schema, then serve."""
    os.environ["OS_GLANCE_CONFIG_DIR"] = str(settings.path("etc"))
    shutil.copy(runtime.shipped_file("glance", "glance-api-paste.ini"), settings.path("etc"))
    for name in ("store", "staging", "tasks"):
        settings.path("images", name).mkdir()
    sqlite.prepare(settings.database("glance"))
    _make_schema(settings)
    sqlite.serialize_writers()
    from glance.wsgi.api import application

    runtime.announce(settings, "glance")
    runtime.serve(settings, "glance", application, threads=2)


def _make_schema(settings: Settings) -> None:
    """Do what ``glance-manage db_sync`` does for a new database."""
    from glance.cmd import manage
    from glance.common import config
    from oslo_config import cfg

    config.parse_args([], default_config_files=[str(settings.path("etc", "glance-api.conf"))])
    assert cfg.CONF.database.connection
    manage.DbCommands().sync()


if __name__ == "__main__":
    runtime.main(run)
