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

"""Files that others may read at any time: written whole or not at all. No content is known here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from vfio_lm.errors import VfioLmError


class FileError(VfioLmError):
    """A file that cannot be written."""


def write_in_one_step(path: str | os.PathLike[str], text: str, *, mode: int = 0o644) -> None:
    """Write a file of which others see the old one or the new one, and nothing between.

    :param mode: the bits of its permissions
    :raises FileError: if it cannot be written
    """
    with staged(path, text, mode=mode):
        pass


@contextlib.contextmanager
def staged(
    path: str | os.PathLike[str],
    text: str,
    *,
    mode: int = 0o644,
    workspace: str | os.PathLike[str] | None = None,
) -> Iterator[str]:
    """Write a file beside its place, and give its path; at the end it is put there in one step.

    After an error in between, nothing has changed.

    :param mode: the bits of its permissions
    :param workspace: the folder where it comes into being, on the same file system; if not given,
        the one it belongs to
    :raises FileError: if it cannot be written
    """
    folder = os.fspath(workspace or os.path.dirname(path) or ".")
    name = None
    try:
        with _errors_of(path, folder):
            name = _write_beside(folder, text, mode)
        yield name
        with _errors_of(path, folder):
            os.replace(name, path)
    except BaseException:
        if name is not None:
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise


def _write_beside(folder: str, text: str, mode: int) -> str:
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, prefix=".vfio-lm-", encoding="utf-8", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(file.name)
            raise
    return file.name


@contextlib.contextmanager
def _errors_of(path: str | os.PathLike[str], folder: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FileError(
            f"{os.fspath(path)}: cannot be written: there is no folder {folder}"
        ) from None
    except OSError as exc:
        raise FileError(f"{os.fspath(path)}: cannot be written: {exc.strerror}") from None
