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

"""The whole table of error texts, and the row of a text."""

from __future__ import annotations

from vfio_lm.error_texts import kernel, libvirt, nova_compute, nova_scheduling, qemu, qemu_devices
from vfio_lm.error_texts.row import ErrorText

_ALL = (
    *nova_scheduling.ROWS,
    *nova_compute.ROWS,
    *qemu_devices.ROWS,
    *qemu.ROWS,
    *kernel.ROWS,
    *libvirt.ROWS,
)

#: The first that fits a text counts. What QEMU says stands before libvirt's words, because libvirt
#: quotes QEMU; fallbacks come last.
ROWS: tuple[ErrorText, ...] = (
    *(row for row in _ALL if not row.is_fallback),
    *(row for row in _ALL if row.is_fallback),
)

_OF_LOST_STATES = tuple(row for row in ROWS if row.is_state_lost)

_LONGEST_TEXT = 16384
"""Of a text that is looked at: no error is longer, and a log may have a line of any length."""


def row_of(text: str) -> ErrorText | None:
    """Return the row of an error text, or None if the table has none."""
    text = text[:_LONGEST_TEXT]
    return next((row for row in ROWS if row.pattern.search(text)), None)


def is_of_a_lost_state(text: str) -> bool:
    """Whether QEMU says with a text that a state was not loaded."""
    text = text[:_LONGEST_TEXT]
    return any(row.pattern.search(text) for row in _OF_LOST_STATES)
