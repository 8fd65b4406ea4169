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

"""Servers of the imagined cloud with their reports, as a plan begins with them."""

from __future__ import annotations

from typing import Any

from tests.unit.preflight.scenario import facts
from vfio_lm.preflight import Facts, Report
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks


def checked(*known: Facts) -> list[tuple[Facts, Report]]:
    checks = installed_checks()
    return [(each, examine(each, checks)) for each in known]


def named(name: str, **changes: Any) -> Facts:
    return facts(server={"id": name, "name": name}, **changes)
