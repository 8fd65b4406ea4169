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

"""The entry points of installed packages, also on Python 3.9, which does not say whose they are."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator


def entry_points(group: str) -> Iterator[tuple[str | None, importlib.metadata.EntryPoint]]:
    """Yield each entry of a group with the name of its package, None if its metadata lack it.

    Of a package that is found twice, the first on the path counts, as when it is imported.
    """
    seen: set[str | None] = set()
    for distribution in importlib.metadata.distributions():
        if found := [entry for entry in distribution.entry_points if entry.group == group]:
            metadata = distribution.metadata
            # its stubs have no get()
            name = metadata["Name"] if "Name" in metadata else None  # noqa: SIM401
            if name is None or name not in seen:
                seen.add(name)
                yield from ((name, entry) for entry in found)
