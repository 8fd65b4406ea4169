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

"""The row action "Check Live Migration" of Admin → Compute → Instances.

Horizon lets a plugin add panels, tabs and steps of workflows, but no action to the table of
another panel; its ``customization_module`` may change such a table, but there is one for a whole
site, which is the operator's. So this does what such a module would do, with the two attributes in
which a table keeps its actions (``DataTableMetaclass`` in horizon/tables/base.py, Horizon 27.0.0).
"""

from django.utils.translation import gettext_lazy as _
from horizon import tables
from openstack_dashboard.dashboards.admin.instances.tables import (
    AdminInstancesTable,
    LiveMigrateInstance,
)
from openstack_dashboard.dashboards.project.instances.tables import is_deleting

from horizon_panel.content.vfio_live_migration.panel import VfioLiveMigration


class CheckLiveMigration(tables.LinkAction):
    """Opens the preflight page of a server."""

    name = "check_live_migration"
    verbose_name = _("Check Live Migration")
    url = "horizon:admin:vfio_live_migration:preflight"
    policy_rules = VfioLiveMigration.policy_rules

    def allowed(self, request, instance=None):
        """Offer it for every server that is there to stay."""
        return instance is None or not is_deleting(instance)


def add():
    """Add the action after "Live Migrate Instance"; a second time changes nothing."""
    if CheckLiveMigration.name in AdminInstancesTable.base_actions:
        return
    actions = []
    for action in AdminInstancesTable._meta.row_actions:
        actions.append(action)
        if action is LiveMigrateInstance:
            actions.append(CheckLiveMigration)
    AdminInstancesTable._meta.row_actions = tuple(actions)
    AdminInstancesTable.base_actions[CheckLiveMigration.name] = CheckLiveMigration()
