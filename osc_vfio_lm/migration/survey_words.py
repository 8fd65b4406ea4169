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

"""Sentences around the rows of many servers; the rows are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vfio_lm.preflight import Survey, Verdict
from vfio_lm.text import counted

_WORST_FIRST = (Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.READY)


def headline(verdicts: Mapping[Verdict, int]) -> str:
    """Return how many servers have each verdict."""
    counts = ", ".join(f"{verdicts[v]} {v.value}" for v in _WORST_FIRST if verdicts.get(v))
    if not counts:
        return "No server was checked: none of those that were chosen holds a PCI device."
    return f"{counted(sum(verdicts.values()), 'server')} checked: {counts}"


def others(survey: Survey) -> Iterator[str]:
    """Return how many servers were not looked at, if any."""
    if not survey.others:
        return
    way = "an alias or a port" if survey.others_are_known else "an alias"
    yield f"Not checked: {counted(survey.others, 'server')} without PCI devices by {way}"
    if not survey.others_are_known:
        yield "Neutron does not show whether they hold one by a port."


def hint(verdicts: Mapping[Verdict, int]) -> Iterator[str]:
    """Return where the remedies are, if some are needed."""
    if verdicts.get(Verdict.BLOCKED) or verdicts.get(Verdict.UNKNOWN):
        yield "For the remedies of one: openstack vfio migration check SERVER"
