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

"""The api-paste.ini of a cloud's nova-api, perhaps with the filter that serves the dry run."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cloud.services import runtime

_ROOT = Path(__file__).parents[3]
_PIPELINE = re.compile(r"(\[composite:openstack_compute_api_v21\].*?keystonecontext)", re.DOTALL)


def text(options: Mapping[str, str] | None) -> str:
    """Give nova's own file, or with what an operator adds to it.

    :param options: of the filter's section; None: no filter
    """
    own = runtime.shipped_file("nova", "etc/nova/api-paste.ini").read_text()
    if options is None:
        return own
    changed, count = _PIPELINE.subn(r"\1 vfio_lm", own, count=1)
    if count != 1:
        raise RuntimeError("nova's api-paste.ini has no pipeline with keystonecontext")
    section = (_ROOT / "etc/nova/vfio-lm-api-paste.ini").read_text()
    # vfio-lm is not installed beside older releases of nova
    command = f"env PYTHONPATH={_ROOT} {sys.executable} -m vfio_lm.inside_nova.main"
    lines = [f"{name} = {value}" for name, value in {"command": command, **options}.items()]
    return "\n".join([changed, section, *lines, ""])
