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

"""Settings of the panel: copy or link it into ``openstack_dashboard/local/local_settings.d``.

Horizon runs this file among its own settings; values for one site belong into a file with a
higher number, or into local_settings.py.
"""

import importlib.util
import os

# The nova.conf of nova-api and nova-scheduler: a file or folder, or a list of them that are read
# as one configuration. No API shows what an alias means.
VFIO_LM_NOVA_CONF = []

# What no API shows of compute hosts either, and decides where PCI devices are not in placement: a
# folder with the nova.conf of the nova-compute of each host as <host>.conf, or as a conf.d folder
# <host>/; and what "vfio-lm-host probe -f json" wrote there: a file, a folder of files *.json, or a
# list of them. Both are read again for each preflight.
VFIO_LM_HOST_NOVA_CONF = ""
VFIO_LM_HOST_FACTS = []

# How old those facts may be without a warning, in seconds.
VFIO_LM_MAX_AGE = 3600

# How long one answer of nova or placement is waited for, in seconds.
VFIO_LM_TIMEOUT = 30

# Horizon knows no policy of placement, and the panel has one of its own. These rules are the
# defaults; where yours differ, put them into placement_policy.yaml and
# vfio_live_migration_policy.yaml beside Horizon's other policy files.
_SERVICES = ("placement", "vfio_live_migration")
_DEFAULTS = os.path.join(
    importlib.util.find_spec("horizon_panel").submodule_search_locations[0],
    "conf",
    "default_policies",
)
POLICY_FILES = {
    **POLICY_FILES,  # noqa: F821
    **{service: f"{service}_policy.yaml" for service in _SERVICES},
}
DEFAULT_POLICY_FILES = {
    **DEFAULT_POLICY_FILES,  # noqa: F821
    **{service: os.path.join(_DEFAULTS, f"{service}.yaml") for service in _SERVICES},
}
