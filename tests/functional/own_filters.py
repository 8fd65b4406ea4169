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

"""A scheduler filter of an operator's own, as one installs it beside nova; no test."""

from __future__ import annotations

import logging
from typing import Any

import nova.conf
from nova.scheduler import filters
from oslo_config import cfg

LOG = logging.getLogger(__name__)
CONF = nova.conf.CONF
CONF.register_opts([cfg.ListOpt("closed_hosts", default=[])], "racks")


class OpenRackFilter(filters.BaseHostFilter):  # type: ignore[misc]
    """Passes hosts that are not named in ``[racks]closed_hosts``."""

    def host_passes(self, host_state: Any, spec_obj: Any) -> bool:
        """Say why not in the log, as nova's filters do."""
        if host_state.host in CONF.racks.closed_hosts:
            LOG.info("the rack of %s is closed", host_state.host)
            return False
        return True
