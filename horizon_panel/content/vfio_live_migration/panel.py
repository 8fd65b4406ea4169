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

"""The panel and who sees it; not what it shows."""

import horizon
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class VfioLiveMigration(horizon.Panel):
    """Admin → Compute → VFIO Live Migration, for those whom nova and placement answer."""

    name = _("VFIO Live Migration")
    slug = "vfio_live_migration"
    permissions = ("openstack.services.compute", "openstack.services.placement")
    policy_rules = (
        ("compute", "os_compute_api:os-hypervisors:list-detail"),
        ("compute", "os_compute_api:os-services:list"),
        ("compute", "os_compute_api:servers:detail:get_all_tenants"),
        ("placement", "placement:resource_providers:list"),
        ("placement", "placement:allocation_candidates:list"),
    )

    def allowed(self, context):
        """Tell whether the user sees the panel, as Horizon does it for Hypervisors."""
        is_system_service = "compute" in settings.SYSTEM_SCOPE_SERVICES
        if is_system_service != bool(context["request"].user.system_scoped):
            return False
        return super().allowed(context)
