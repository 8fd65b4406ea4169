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

"""The console script ``vfio-placement-sync``; see :mod:`placement_sync.agent.command`."""

from __future__ import annotations

import logging
import os
import sys


def main() -> None:
    """Run the command and end the process with its exit status."""
    # futurist, which tooz uses, imports eventlet where it is installed, as it is beside older
    # releases of nova. Nothing here runs on it.
    sys.modules.setdefault("eventlet", None)  # type: ignore[arg-type]
    try:
        from placement_sync.agent.command import run

        status = run(sys.argv[1:])
    except ModuleNotFoundError as exc:
        # the libraries of the extra are imported here first, so nothing has been done yet
        print(
            f"vfio-placement-sync: the Python package '{exc.name}' is not installed: "
            "install openstack-vfio-lm with its extra [sync]",
            file=sys.stderr,
        )
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.stdout.flush()
    logging.shutdown()
    # A service that does not answer may hold up a thread that only reads; it is not waited for.
    os._exit(status)
