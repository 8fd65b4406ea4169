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

"""What keeps nova's code from running to its end, and says nothing about a server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from vfio_lm.inside_nova.databases import reason
from vfio_lm.inside_nova.errors import InsideNovaError

#: The libraries that nova reaches databases and other services with.
_LIBRARIES = ("keystoneauth1", "neutronclient", "openstack", "oslo_db", "requests", "sqlalchemy")
_OF_NOVA = ("CellTimeout", "PlacementAPIConnectFailure")


class InterruptedRunError(Exception):
    """Nova's code could not be run to the end; the text says why."""


def outage(error: Exception) -> str | None:
    """Return why an error is one of a service that does not answer; None if it is not."""
    if isinstance(error, InterruptedRunError):
        return str(error)
    for kind in type(error).__mro__:
        if kind.__name__ in _OF_NOVA or kind.__module__.partition(".")[0] in _LIBRARIES:
            return f"{type(error).__name__}: {reason(error)}"
    return None


@contextlib.contextmanager
def raised_as_ours() -> Iterator[None]:
    """Let a service that does not answer end the command with a line.

    :raises InsideNovaError: if one does not
    """
    try:
        yield
    except Exception as exc:
        why = outage(exc)
        if why is None:
            raise
        raise InsideNovaError(f"nova cannot be asked: {why}") from exc
