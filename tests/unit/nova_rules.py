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

"""Nova's own functions, called with a configuration of the test's choosing."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence

# Nova 34.0.0 patches the standard library for eventlet at import unless it is told not to.
os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

import nova.conf
from nova import objects
from nova.pci import request

objects.register_all()
# Property tests give nova much to warn about.
logging.getLogger("nova").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def configured(*, aliases: Sequence[str] = (), pci_in_placement: bool = False) -> Iterator[None]:
    """Set ``[pci]alias`` and ``[filter_scheduler]pci_in_placement`` for a while."""
    conf = nova.conf.CONF
    conf.set_override("alias", list(aliases), "pci")
    conf.set_override("pci_in_placement", pci_in_placement, "filter_scheduler")
    request.get_alias_from_config.cache_clear()
    try:
        yield
    finally:
        conf.clear_override("alias", "pci")
        conf.clear_override("pci_in_placement", "filter_scheduler")
        request.get_alias_from_config.cache_clear()
