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

"""nova-compute with some functions corrected: those that spoil live migrations of PCI devices.

Everything else is the nova-compute that is installed. Nova is imported in functions only, and
nothing that it wants to import first: it chooses its kind of threads when it is imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from vfio_lm.inside_nova.corrections import CORRECTIONS, correct_when_imported

PROGRAM = "nova-compute"


def main() -> Any:
    """Start nova-compute with its own arguments and files of options."""
    correct_when_imported(CORRECTIONS)
    # oslo.config looks for nova-compute.conf by this name.
    sys.argv[0] = os.path.join(os.path.dirname(sys.argv[0]), PROGRAM)
    try:
        from nova.cmd import compute
    except ModuleNotFoundError as exc:
        if exc.name not in ("nova", "nova.cmd", "nova.cmd.compute"):
            raise
        return f"vfio-lm-nova-compute: {sys.executable} has no nova: install vfio-lm where nova is"
    return compute.main()
