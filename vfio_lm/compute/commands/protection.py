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

"""What protects live migrations on a host: the guard, and the corrections of nova-compute."""

from __future__ import annotations

import dataclasses
import glob
import os
from collections.abc import Iterator

from vfio_lm.compute.guard.daemon import Daemon, running_daemons
from vfio_lm.compute.guard.installation import Hook, HookError
from vfio_lm.compute.guard.status import look_at
from vfio_lm.pci.host_facts import HostFacts

_CORRECTED = "vfio-lm-nova-compute"
_PLAIN = "nova-compute"


def with_protection(facts: HostFacts, proc: str = "/proc") -> HostFacts:
    """Return facts that say as well whether the guard works and nova-compute is corrected.

    :param proc: the processes of the host
    """
    return dataclasses.replace(
        facts,
        has_guard=has_guard(Hook(), running_daemons(proc)) if os.geteuid() == 0 else None,
        has_corrections=has_corrections(proc),
    )


def has_guard(hook: Hook, daemons: list[Daemon]) -> bool | None:
    """Return whether the guard works in each daemon of libvirt; None where none runs."""
    if not daemons:
        return None
    try:
        return not any(remark.is_fault for remark in look_at(hook, daemons))
    except HookError:
        return None


def has_corrections(proc: str) -> bool | None:
    """Return whether the nova-compute that runs is the corrected one; None where none runs."""
    programs = set(_programs(proc))
    if _CORRECTED in programs:
        return True
    return False if _PLAIN in programs else None


def _programs(proc: str) -> Iterator[str]:
    """Yield the names of running programs, and of the scripts that interpreters run."""
    for path in glob.iglob(os.path.join(proc, "[0-9]*", "cmdline")):
        try:
            with open(path, "rb") as file:
                words = file.read(4096).split(b"\0")
        except OSError:  # it has ended
            continue
        yield from (os.path.basename(word).decode(errors="replace") for word in words[:2])
