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

"""Why nova's code cannot be run here, in a sentence for the operator."""

from __future__ import annotations

from vfio_lm.errors import VfioLmError


class InsideNovaError(VfioLmError):
    """Nova cannot be asked; the text says what is missing and how to mend it."""


class UnknownNovaError(InsideNovaError):
    """The installed nova has functions that this release of vfio-lm does not know.

    :param version: of the installed nova
    :param functions: the names of those that differ from all known ones
    """

    def __init__(self, version: str, functions: tuple[str, ...]) -> None:
        super().__init__(
            f"this nova is not known: nova {version} differs from every release that this "
            f"vfio-lm knows in {', '.join(functions)}"
        )
        self.functions = functions
