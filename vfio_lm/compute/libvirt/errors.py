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

"""An error of libvirt's with its cause and remedy; libvirt itself is not called here."""

from __future__ import annotations

from vfio_lm.error_texts import row_of
from vfio_lm.errors import VfioLmError

# libvirt/virterror.h, virErrorNumber
HOOK_SCRIPT_FAILED = 70
OPERATION_ABORTED = 78


class LibvirtError(VfioLmError):
    """Libvirt refused, with its own words and what to do about it.

    :param action: what was to be done
    :param code: libvirt's number of the error
    :param message: libvirt's text
    """

    def __init__(self, action: str, code: int, message: str) -> None:
        advice = way_out(message)
        super().__init__(f"{action}: libvirt says: {message}{f': {advice}' if advice else ''}")
        self.code = code
        self.message = message


def way_out(message: str) -> str | None:
    """Return the cause of an error and what to do about it, or None if libvirt's text is all."""
    row = row_of(message)
    return f"{row.sentence(message)}: {row.without_nova}" if row else None
