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

"""The table of the plan."""

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel.content.vfio_live_migration import labels, links


def _devices(line):
    return ", ".join(f"{name} × {count}" for name, count in line.devices.items()) or None


def _remedy(line):
    # Its commands stand on lines of their own.
    return format_html('<span class="vfio-lines">{}</span>', line.remedy) if line.remedy else None


class PlanTable(tables.DataTable):
    """A row for each server with devices: first those that can leave, in their order."""

    order = tables.Column("order", verbose_name=_("Order"))
    name = tables.WrappingColumn(
        "name",
        verbose_name=_("Server"),
        link=lambda line: links.preflight(line.server_id),
    )
    state = tables.Column(
        lambda line: line.state.value, verbose_name=_("State"), display_choices=labels.DRAIN_STATES
    )
    destination = tables.WrappingColumn(
        lambda line: line.destination or None, verbose_name=_("Destination")
    )
    devices = tables.Column(
        _devices,
        verbose_name=_("Devices There"),
        help_text=_("What the plan counts on; nova chooses for itself."),
    )
    reason = tables.Column(lambda line: line.reason or None, verbose_name=_("Reason"))
    remedy = tables.Column(_remedy, verbose_name=_("Remedy"))

    class Meta:
        name = "plan"
        verbose_name = _("Plan")
        multi_select = False

    def get_object_id(self, line):
        """Return the ID of the server."""
        return line.server_id
