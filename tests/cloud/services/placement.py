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

"""The placement of a cloud; its schema is made by placement itself as it starts."""

from __future__ import annotations

import os

from tests.cloud.services import runtime, sqlite
from tests.cloud.settings import Settings


def run(settings: Settings) -> None:
    """Serve placement."""
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = str(settings.path("etc"))
    sqlite.prepare(settings.database("placement"))
    sqlite.serialize_writers()
    from placement.wsgi.api import application

    runtime.announce(settings, "placement")
    for _ in range(settings.spec.placement_workers - 1):
        if os.fork() == 0:
            break
    runtime.serve(settings, "placement", application, threads=4)


if __name__ == "__main__":
    runtime.main(run)
