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

from vfio_lm.errors import VfioLmError


class FileError(VfioLmError):
    """A file that cannot be written."""


def write_in_one_step(
    path: str | os.PathLike[str],
    text: str,
    *,
    mode: int = 0o644,
    workspace: str | os.PathLike[str] | None = None,
) -> None:
    """Write a file of which others see the old one or the new one, and nothing between.

    :param mode: the bits of its permissions
    :param workspace: the folder where it comes into being, on the same file system; if not given,
        the one it belongs to
    :raises FileError: if it cannot be written
    """
    folder = workspace or os.path.dirname(path) or "."
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, prefix=".vfio-lm-", encoding="utf-8", delete=False
        ) as file:
            try:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)
                raise
    except FileNotFoundError:
        raise FileError(
            f"{os.fspath(path)}: cannot be written: there is no folder {os.fspath(folder)}"
        ) from None
    except OSError as exc:
        raise FileError(f"{os.fspath(path)}: cannot be written: {exc.strerror}") from None
