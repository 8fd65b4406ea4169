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

"""The script in libvirt's folder of hooks: put there, taken away, looked at; not what it checks."""

from __future__ import annotations

import contextlib
import enum
import os
import pathlib
import shlex
import sys

from vfio_lm.compute.files import write_in_one_step
from vfio_lm.errors import VfioLmError

HOOKS = "/etc/libvirt/hooks"
"""Libvirt's folder of hooks, as its packages have it."""
NAME = "vfio-lm"

_MARK = "# The guard of vfio-lm for live migrations that arrive."

# It is a shell script so that nothing has to start for the calls that are none of its business,
# and so that an installation that is gone stops no server without host devices.
_SCRIPT = """\
#!/bin/sh
{mark}
# Written by "vfio-lm-host hook install"; "vfio-lm-host hook uninstall" removes it.
[ "$2/$3" = migrate/begin ] || exit 0
python={python}
if [ ! -x "$python" ]; then
    grep -q hostdev || exit 0
    echo "vfio-lm: the guard $0 is left over, $python is gone: install it again or remove it" >&2
    exit 1
fi
exec "$python" -I -c '
import sys
try:
    from vfio_lm.compute.guard.hook import main
except Exception as error:
    if b"hostdev" in sys.stdin.buffer.read():
        sys.exit("vfio-lm: the guard is left over, install it again or remove it: " + str(error))
    sys.exit(0)
sys.exit(main())
' "$@"
"""


class HookError(VfioLmError):
    """The script cannot be put where it belongs, or taken away from there."""


class HookState(enum.Enum):
    """What stands in the script's place."""

    ABSENT = "not installed"
    CURRENT = "installed"
    OTHER = "installed by another installation or release"
    FOREIGN = "somebody else's"


class Hook:
    """The guard's script in a folder of hooks.

    :param hooks: libvirt's folder of hooks
    :param python: the interpreter that has this package
    """

    def __init__(self, hooks: str | os.PathLike[str] = HOOKS, python: str = sys.executable) -> None:
        self._hooks = pathlib.Path(hooks)
        self._script = _SCRIPT.format(mark=_MARK, python=shlex.quote(python))

    @property
    def path(self) -> pathlib.Path:
        """Where the script belongs."""
        return self._hooks / "qemu.d" / NAME

    def state(self) -> HookState:
        """Look what is there.

        :raises HookError: if it cannot be read
        """
        try:
            text = self.path.read_bytes()
            is_executable = os.access(self.path, os.X_OK)
        except FileNotFoundError:
            return HookState.ABSENT
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be read: {exc.strerror}") from None
        if text == self._script.encode() and is_executable:
            return HookState.CURRENT
        return HookState.OTHER if _MARK.encode() in text.splitlines() else HookState.FOREIGN

    def has_others(self) -> bool:
        """Whether libvirt has other hooks for QEMU, so that it looked for this one, too.

        Which drivers have hooks is found out when the daemon starts or gets SIGHUP; the folder
        ``qemu.d`` is read at each call. Source: libvirt's ``src/util/virhook.c``, measured with
        libvirt 9.0.
        """
        with contextlib.suppress(OSError):
            others = [*self.path.parent.iterdir(), self._hooks / "qemu"]
            return any(os.access(path, os.X_OK) for path in others if path != self.path)
        return os.access(self._hooks / "qemu", os.X_OK)

    def install(self) -> None:
        """Put the script in its place, whole or not at all.

        :raises HookError: if its folder cannot be made, or somebody else's file is there
        :raises FileError: if it cannot be written
        """
        self._refuse_foreign()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be written: {exc.strerror}") from None
        # Not made in the folder itself, where libvirt would run it half written.
        write_in_one_step(self.path, self._script, mode=0o755, workspace=self._hooks)

    def uninstall(self) -> None:
        """Take the script away.

        :raises HookError: if it cannot be removed, or somebody else's file is there
        """
        self._refuse_foreign()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be removed: {exc.strerror}") from None

    def _refuse_foreign(self) -> None:
        if self.state() is HookState.FOREIGN:
            raise HookError(f"{self.path}: was not written by vfio-lm-host: move it away first")
