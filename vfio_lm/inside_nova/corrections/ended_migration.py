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

"""Leaves a server as it was rolled back after a live migration failed or was aborted.

libvirt reports a live migration that fails, or is aborted, twice: as the state of the job, and
as an error of the call that started it. Nova's monitor sees the state, rolls everything back,
and returns. Then ``_live_migration`` raises the error of the call, for which nova puts the
server, which runs on as before, into ERROR, and its migration from ``failed`` or ``cancelled``
to ``error``.

Since nova 32.2.0, with ``future.result()``; 31 and 32.0.0 to 32.1.0 do not look at the error.
"""

from __future__ import annotations

import types
from typing import Any

from vfio_lm.inside_nova.corrections.correction import Correction
from vfio_lm.inside_nova.corrections.source import apart, with_lines_replaced

_OLD = "        future.result()\n"
_NEW = """\
        # The monitor saw how the job ended, and has rolled back what had to be.
        if future.exception() is not None:
            LOG.debug("The live migration ended with: %s", future.exception(), instance=instance)
"""


class _LibvirtError(Exception):
    """What libvirt raises for a live migration that was aborted."""


class _Future:
    """Of an operation that has failed."""

    def add_done_callback(self, callback: Any) -> None:
        callback(self)

    def link(self, callback: Any, *args: Any) -> None:
        callback(self, *args)

    def done(self) -> bool:
        return True

    def exception(self) -> Exception:
        return _LibvirtError()

    def result(self) -> None:
        raise _LibvirtError


def _is_right(function: Any) -> bool:
    """Let the operation fail, and the monitor see it and roll back."""
    seen: list[str] = []
    driver = types.SimpleNamespace(
        _host=types.SimpleNamespace(get_guest=lambda instance: None),
        _live_migration_operation=None,
        _live_migration_monitor=lambda *args: seen.append("rolled back"),
        live_migration_abort=lambda instance: None,
        active_migrations={},
    )
    spawning = types.SimpleNamespace(
        spawn=lambda *args, **kwargs: _Future(), cooperative_yield=lambda: None
    )
    quiet = types.SimpleNamespace(debug=_nothing, warning=_nothing)
    stand_ins = {
        "utils": spawning,
        "thread_pool_factory": spawning,
        "LOG": quiet,
        "eventlet": types.SimpleNamespace(
            event=types.SimpleNamespace(Event=lambda: types.SimpleNamespace(send=_nothing))
        ),
    }
    instance = types.SimpleNamespace(uuid="server")
    data = types.SimpleNamespace(block_migration=False)
    try:
        apart(function, stand_ins)(driver, None, instance, "host", None, None, False, data)
    except _LibvirtError:
        return not seen
    if seen != ["rolled back"]:
        raise TypeError(f"{function} does not monitor the live migration")
    return True


def _nothing(*args: Any, **kwargs: Any) -> None: ...


CORRECTION = Correction(
    name="ended-migration",
    fault="a server whose live migration failed or was aborted, and was rolled back, is put into "
    "ERROR",
    module="nova.virt.libvirt.driver",
    function="LibvirtDriver._live_migration",
    # 32.2.0 to 32.2.1; 33.0.0 to 33.0.2; 34.0.0
    faulty=frozenset({"c5edf79fb6cd", "32832573960f", "306638ff4e9b"}),
    is_right=_is_right,
    corrected=lambda function: with_lines_replaced(function, _OLD, _NEW),
)
