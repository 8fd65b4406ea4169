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

"""One file for those who help: named parts in an archive; what they are is not known here."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from vfio_lm.errors import VfioLmError
from vfio_lm.quoting import names_secret


class BundleError(VfioLmError):
    """The file cannot be written."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of the bundle."""

    name: str
    content: str
    error: str = ""
    """Why the content could not be had; empty if it is there."""


def part(name: str, collect: Callable[[], Any]) -> Part:
    """Collect a part: text as it is, everything else as JSON.

    The bundle itself lists what is missing: half of it helps more than none.
    """
    try:
        content = collect()
    except VfioLmError as exc:
        return Part(name, "", str(exc))
    if not isinstance(content, str):
        content = json.dumps(content, indent=2, sort_keys=True) + "\n"
    if names_secret(content):
        return Part(name, "", "is left out, because it seems to hold a password")
    return Part(name, content)


def write_bundle(path: str | os.PathLike[str], parts: Iterable[Part], made_at: float) -> None:
    """Write parts, and what became of each, as a tar file that only its owner may read.

    The file appears whole or not at all.

    :param parts: with names that have slashes where there are folders
    :param made_at: seconds since 1970, the time of all members
    :raises BundleError: if the file exists already, or cannot be written
    """
    target = pathlib.Path(path)
    parts = tuple(parts)
    manifest = [
        {"name": each.name, "status": "failed", "error": each.error}
        if each.error
        else {"name": each.name, "status": "ok"}
        for each in parts
    ]
    members = [Part("manifest.json", json.dumps({"parts": manifest}, indent=2) + "\n")]
    members += [each for each in parts if not each.error]
    try:
        # mkstemp makes it readable by the owner only
        handle, temporary = tempfile.mkstemp(
            dir=target.absolute().parent, prefix=f".{target.name}-"
        )
        try:
            with os.fdopen(handle, "wb") as stream:
                _write(stream, target.name.partition(".")[0], members, made_at)
            # unlike a rename, this does not replace what is there
            os.link(temporary, target)
        finally:
            os.unlink(temporary)
    except FileExistsError:
        raise BundleError(f"{target} exists already: name another file with --output") from None
    except OSError as exc:
        raise BundleError(f"{target} cannot be written: {exc.strerror}") from None


def _write(stream: Any, folder: str, members: list[Part], made_at: float) -> None:
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for member in members:
            content = member.content.encode()
            info = tarfile.TarInfo(f"{folder}/{member.name}")
            info.size, info.mtime, info.mode = len(content), int(made_at), 0o600
            archive.addfile(info, io.BytesIO(content))
