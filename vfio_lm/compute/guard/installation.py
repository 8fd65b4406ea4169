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
import re
import shlex
import sys
from collections.abc import Iterator, Sequence

from vfio_lm.compute.files import staged
from vfio_lm.compute.guard import interpreter, trust
from vfio_lm.compute.guard.daemon import HOOKS, Daemon
from vfio_lm.compute.guard.script import MARK, render, source_files
from vfio_lm.compute.guard.trial import TrialError, try_out
from vfio_lm.errors import VfioLmError
from vfio_lm.pci.input_file import InputFileError, open_regular

NAME = "vfio-lm"

_LARGEST_BYTES = 1024 * 1024
_PYTHON = re.compile(r"^python=(.*)$", re.MULTILINE)


class HookError(VfioLmError):
    """The script cannot be put where it belongs, or taken away from there."""


class HookState(enum.Enum):
    """What stands in the script's place."""

    ABSENT = "not installed"
    CURRENT = "installed"
    OTHER = "installed by another release"
    FOREIGN = "somebody else's"


class InstalledScript:
    """A file that may be the guard's script, wherever it was found."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def read(self) -> str | None:
        """Return its text; None: it is absent.

        :raises HookError: if it cannot be read
        """
        try:
            with open_regular(self.path) as file:
                return file.read(_LARGEST_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return None
        except InputFileError as exc:
            raise HookError(str(exc)) from None
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be read: {exc.strerror}") from None

    def state(self) -> HookState:
        """Look what it is, whatever interpreter it names.

        :raises HookError: if it cannot be read
        """
        text = self.read()
        if text is None:
            return HookState.ABSENT
        if MARK not in text.splitlines():
            return HookState.FOREIGN
        python = python_of(text)
        is_current = python is not None and text == render(python)
        return HookState.CURRENT if is_current and self._is_executable else HookState.OTHER

    @property
    def _is_executable(self) -> bool:
        return bool(os.stat(self.path).st_mode & 0o100)


def python_of(text: str) -> str | None:
    """Return the interpreter that a script of the guard names."""
    found = _PYTHON.search(text)
    try:
        return shlex.split(found[1])[0] if found else None
    except (ValueError, IndexError):
        return None


def own_python() -> str:
    """Return the interpreter that runs this, without the virtual environment around it."""
    return os.path.realpath(sys.executable)


class Hook:
    """The guard's script in a folder of hooks.

    :param hooks: libvirt's folder of hooks
    """

    def __init__(self, hooks: str | os.PathLike[str] = HOOKS) -> None:
        self.hooks = pathlib.Path(hooks)
        self.path = self.hooks / "qemu.d" / NAME

    def state(self) -> HookState:
        """Look what is there.

        :raises HookError: if it cannot be read
        """
        return InstalledScript(self.path).state()

    def install(self, python: str, daemons: Sequence[Daemon] = ()) -> None:
        """Put the script in its place, once it was tried out.

        :param python: the interpreter that runs it
        :param daemons: those that run; it is tried out as each of them sees it
        :raises HookError: if others than root may write to what runs as root then, if it does not
            work, or if somebody else's file is there
        :raises FileError: if it cannot be written
        """
        self._refuse_foreign()
        refuse_untrusted(str(self.path.parent), *source_files())
        refuse_untrusted_python(python)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be written: {exc.strerror}") from None
        # Not made in the folder itself, where libvirt would run it half written.
        with staged(self.path, render(python), mode=0o755, workspace=self.hooks) as path:
            for folder, root in self._views(daemons):
                try:
                    try_out(os.path.join(folder, os.path.basename(path)), root)
                except TrialError as exc:
                    raise HookError(f"{self.path}: not installed: {exc}") from None

    def uninstall(self) -> None:
        """Take the script away.

        :raises HookError: if it cannot be removed, or somebody else's file is there
        """
        self._refuse_foreign()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise HookError(f"{self.path}: cannot be removed: {exc.strerror}") from None

    def _views(self, daemons: Sequence[Daemon]) -> set[tuple[str, str]]:
        """Return the paths of the folder, with the roots that they are below."""
        hooks = os.path.abspath(self.hooks)
        found = set()
        for daemon in daemons:
            with contextlib.suppress(OSError):  # without root's rights
                found |= {
                    (name, daemon.view)
                    for name in daemon.hooks_of(hooks)
                    if daemon.shares(hooks, name)
                }
        return found or {(hooks, "/")}

    def _refuse_foreign(self) -> None:
        if self.state() is HookState.FOREIGN:
            raise HookError(f"{self.path}: was not written by vfio-lm-host: move it away first")


def refuse_untrusted(*paths: str) -> None:
    """Refuse what runs as root if others than root and the user who asks may write to it.

    :raises HookError: if so
    """
    for path in paths:
        with _looking_at(path):
            _refuse(trust.flaw_of_path(path, os.geteuid()))


def refuse_untrusted_python(python: str) -> None:
    """Refuse an interpreter if others may write to it or to what it reads when it starts.

    :param python: a name without a folder, which is looked for when it is run, is passed over
    :raises HookError: if so
    """
    if not os.path.isabs(python):
        return
    libraries = interpreter.libraries(python)
    refuse_untrusted(python, *interpreter.configuration(python), *libraries)
    for library in libraries:
        with _looking_at(library):
            for entry in interpreter.entries(library):
                if entry.is_symlink():
                    refuse_untrusted(entry.path)
                elif found := trust.flaw(entry.path, entry.stat(), os.geteuid()):
                    _refuse((entry.path, found))


@contextlib.contextmanager
def _looking_at(path: str) -> Iterator[None]:
    """Let what is not there pass: it cannot be run, and the trial says so."""
    try:
        yield
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise HookError(f"{path}: cannot be looked at: {exc.strerror}") from None


def _refuse(found: tuple[str, str] | None) -> None:
    if found is not None:
        flawed, reason = found
        raise HookError(f"{flawed}: {reason}; what libvirt runs as root has to be root's alone")
