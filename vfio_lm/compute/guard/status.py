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

"""Whether the guard works: the script, and for each running daemon whether it finds and runs it."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator, Sequence

from vfio_lm.compute.guard.daemon import CALLED, Daemon
from vfio_lm.compute.guard.installation import (
    NAME,
    Hook,
    HookError,
    HookState,
    InstalledScript,
    python_of,
    refuse_untrusted,
    refuse_untrusted_python,
)
from vfio_lm.compute.guard.remap_spool import SPOOL
from vfio_lm.compute.guard.trial import TrialError, try_out

_NOT_RUNNING = (
    "no libvirtd or virtqemud runs here now, so it is unknown whether one finds the guard: look "
    "again when one runs; 'virsh --connect qemu:///system version' starts one that starts on demand"
)
_NO_RIGHTS = "cannot be looked at: {}; run this as root"


@dataclasses.dataclass(frozen=True)
class Remark:
    """One thing that was seen."""

    subject: str
    """A file or a daemon."""
    text: str
    is_fault: bool = False
    """Whether the guard does not work because of it."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


def look_at(hook: Hook, daemons: Sequence[Daemon]) -> Iterator[Remark]:
    """Yield what is to be said of a guard, for each daemon that may run it.

    :raises HookError: if the script cannot be read
    """
    state = hook.state()
    if not daemons or state is not HookState.ABSENT:
        yield Remark(str(hook.path), state.value, state is not HookState.CURRENT)
    if state is HookState.CURRENT:
        yield from _faults_of_script(hook, has_daemon=bool(daemons))
    for daemon in daemons:
        try:
            yield from _look_through(daemon, hook)
        except OSError as exc:
            yield Remark(str(daemon), _NO_RIGHTS.format(exc.strerror or exc), is_fault=True)


def _faults_of_script(hook: Hook, *, has_daemon: bool) -> Iterator[Remark]:
    text = InstalledScript(hook.path).read() or ""
    try:
        refuse_untrusted(str(hook.path))
        refuse_untrusted_python(python_of(text) or "")
        if not has_daemon:
            try_out(os.path.abspath(hook.path))
    except (HookError, TrialError) as exc:
        yield Remark(str(hook.path), str(exc), is_fault=True)
    if not has_daemon:
        yield Remark(str(hook.path), _NOT_RUNNING, is_fault=True)


def _look_through(daemon: Daemon, hook: Hook) -> Iterator[Remark]:
    """Yield what a daemon sees, which is what counts.

    :raises OSError: if it cannot be looked at
    """
    where = "with mounts of its own" if daemon.has_own_mounts else "on this host"
    name = f"{daemon}, {where}"
    script = _script_of(daemon, hook)
    if script is None:
        yield Remark(name, _not_seen(daemon, hook), is_fault=True)
        return
    path, state = script
    if state is not HookState.CURRENT:
        yield Remark(name, f"{path} is {state.value}", is_fault=True)
        return
    try:
        try_out(path, daemon.view)
    except TrialError as exc:
        yield Remark(name, f"{path} does not work there: {exc}{_advice(daemon)}", is_fault=True)
        return
    yield _call(daemon, name, path)
    yield from _folders(daemon, name)


def _script_of(daemon: Daemon, hook: Hook) -> tuple[str, HookState] | None:
    """Return the guard that a daemon runs, with the path that it has there; None: it has none."""
    for folder in daemon.hooks_of(os.path.abspath(hook.hooks)):
        for path in (f"{folder}/qemu.d/{NAME}", f"{folder}/qemu"):
            try:
                state = InstalledScript(daemon.path_of(path)).state()
            except HookError as exc:
                raise OSError(str(exc)) from None
            if state in (HookState.CURRENT, HookState.OTHER):
                return path, state
    return None


def _not_seen(daemon: Daemon, hook: Hook) -> str:
    if not daemon.has_own_mounts:
        return f"has no guard in {hook.hooks}: run 'vfio-lm-host hook install'"
    render = f"put the output of 'vfio-lm-host hook render' there as {daemon.folders.hooks}/qemu"
    if hook.state() is HookState.ABSENT:
        return f"has no guard: {render}"
    return (
        f"does not see {hook.path}: mount {hook.hooks} there as {daemon.folders.hooks}, or {render}"
    )


def _advice(daemon: Daemon) -> str:
    if not daemon.has_own_mounts:
        return ""
    return "; 'vfio-lm-host hook install --python python3' takes the container's own interpreter"


def _call(daemon: Daemon, name: str, path: str) -> Remark:
    called = daemon.last_call()
    if called is not None and called >= daemon.started_at:
        time = datetime.datetime.fromtimestamp(called, datetime.timezone.utc)
        return Remark(name, f"runs {path}, last at {time.isoformat(timespec='seconds')}")
    if daemon.has_found_hooks(path.removesuffix(f"/qemu.d/{NAME}").removesuffix("/qemu")):
        return Remark(name, f"runs {path}")
    return Remark(
        name,
        f"runs {path} once it has looked for hooks again: 'kill -HUP {daemon.pid}'; servers go on "
        f"running",
        is_fault=True,
    )


def _folders(daemon: Daemon, name: str) -> Iterator[Remark]:
    """Yield the folders that this host and a daemon have to share, and do not."""
    for folder, loss in (
        (f"/{SPOOL}", "maps of 'vfio-lm-host spool' have no effect"),
        (f"/{os.path.dirname(CALLED)}", "a probe may open a device that a server is about to get"),
    ):
        if daemon.has_own_mounts and not daemon.shares(folder):
            yield Remark(name, f"does not share {folder} with this host, so {loss}")
