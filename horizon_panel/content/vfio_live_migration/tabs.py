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

"""The tabs of the index and their order."""

from horizon import tabs

from horizon_panel.content.vfio_live_migration.devices import DevicesTab
from horizon_panel.content.vfio_live_migration.hosts import HostsTab
from horizon_panel.content.vfio_live_migration.overview import OverviewTab
from horizon_panel.content.vfio_live_migration.servers import ServersTab
from horizon_panel.content.vfio_live_migration.uses import UsesTab


class VfioLiveMigrationTabs(tabs.TabGroup):
    """One tab for each kind of thing."""

    slug = "vfio_live_migration"
    tabs = (OverviewTab, DevicesTab, UsesTab, ServersTab, HostsTab)
    sticky = True
