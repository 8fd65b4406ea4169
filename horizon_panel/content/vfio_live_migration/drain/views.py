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

"""The page that shows how the servers with devices could leave a host; it moves none."""

import shlex

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel import api, server_api
from horizon_panel.content.vfio_live_migration.drain.tables import PlanTable
from vfio_lm.drain import HostDrain, State
from vfio_lm.errors import VfioLmError


class DrainView(tables.DataTableView):
    """The plan of ``openstack vfio host drain``."""

    table_class = PlanTable
    template_name = "admin/vfio_live_migration/drain/plan.html"
    page_title = _("Drain Host {{ host }}")
    why_not = ""

    @cached_property
    def drain(self):
        """Make the plan once; None where it cannot be made."""
        request, host = self.request, self.kwargs["host"]
        try:
            return HostDrain(api.connection(request), host, server_api.inputs).plan()
        except VfioLmError as exc:
            self.why_not = _("There is no plan: %(reason)s") % {"reason": exc}
            return None

    def get_data(self):
        """Return the lines of the plan."""
        return list(self.drain.lines) if self.drain else []

    def get_context_data(self, **kwargs):
        """Add the commands that carry the plan out."""
        context = super().get_context_data(**kwargs)
        context["host"] = self.kwargs["host"]
        context["drain"] = self.drain
        context["why_not"] = self.why_not
        lines = self.drain.lines if self.drain else ()
        context["commands"] = "\n".join(
            f"openstack vfio migration start --wait --host {shlex.quote(line.destination)} "
            f"{line.server_id}"
            for line in lines
            if line.state is State.CAN_LEAVE
        )
        context["command"] = f"openstack vfio host drain --execute {shlex.quote(context['host'])}"
        return context
