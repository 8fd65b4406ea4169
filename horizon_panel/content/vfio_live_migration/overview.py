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

"""All hosts and their devices at a glance."""

from __future__ import annotations

import dataclasses
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from horizon_panel import api
from horizon_panel.content.vfio_live_migration import labels, links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTab
from horizon_panel.content.vfio_live_migration.paging import page_of
from vfio_lm.cloud.model import Marking
from vfio_lm.inventory import HostInventory, PciDevice, totals

#: Hosts on a page.
HOSTS = 48
#: Devices that the picture of a host shows; its page shows all.
DEVICES = 8

# What the picture is drawn with, in the units of its own view box.
BAR_LEFT, BAR_WIDTH, ROW_HEIGHT = 58, 80, 16

_SIGNS = {Marking.MARKED: "✓", Marking.NOT_MARKED: "✗", Marking.UNKNOWN: "?"}


@dataclasses.dataclass(frozen=True)
class Bar:
    """A device in the picture of its host."""

    device: PciDevice
    top: int

    @property
    def address(self):
        """The address without a domain that is the usual one."""
        return self.device.address.removeprefix("0000:")

    @property
    def middle(self):
        """Where the text stands."""
        return self.top + ROW_HEIGHT - 5

    @property
    def used_width(self):
        """How much of the bar is filled."""
        total = self.device.total
        return round(BAR_WIDTH * min(1, self.device.used / total)) if total else 0

    @property
    def sign(self):
        """What stands for the marking, and for a device that is contested."""
        return _SIGNS[self.device.live_migratable] + ("!" if self.device.is_contested else "")

    @property
    def marking(self):
        """The marking, for the style."""
        return self.device.live_migratable.value


@dataclasses.dataclass(frozen=True)
class Card:
    """A host with its picture."""

    host: HostInventory

    @property
    def url(self):
        """The address of the page of the host."""
        return links.host(self.host.name)

    @property
    def bars(self):
        """The first devices."""
        return [
            Bar(device, number * ROW_HEIGHT)
            for number, device in enumerate((self.host.devices or ())[:DEVICES])
        ]

    @property
    def height(self):
        """The height of the picture."""
        return ROW_HEIGHT * len(self.bars)

    @property
    def more(self):
        """How many devices are not shown."""
        return max(0, len(self.host.devices or ()) - DEVICES)

    @property
    def service_state(self):
        """The state of the compute service, for the style."""
        return labels.service_state(self.host)

    @property
    def service(self):
        """The state of the compute service, for people."""
        return labels.service(self.host)

    @property
    def live_migratable(self):
        """What its devices declare, for people."""
        return labels.live_migratable(self.host.live_migratable)

    @property
    def units(self):
        """What is used, as a sentence."""
        return ngettext(
            "%(used)s of %(total)s unit used", "%(used)s of %(total)s units used", self.host.total
        ) % {"used": self.host.used, "total": self.host.total}


class OverviewTab(CloudTab):
    """Totals, and a picture of each host."""

    name = _("Overview")
    slug = "overview"
    template_name = "admin/vfio_live_migration/_overview.html"
    filter_label = _("Host")

    def get_context_data(self, request, **kwargs):
        """Return the hosts of the page that is asked for, and the totals of all."""
        hosts = api.hosts(request, self.note_gap)
        found = self.filtered(hosts, lambda host: (host.name,))
        page = page_of(found, request.GET.get("overview_page"), HOSTS)
        context = super().get_context_data(request, **kwargs)
        return context | {
            "totals": totals(hosts),
            "is_complete": all(host.devices is not None for host in hosts) and bool(hosts),
            "cards": [Card(host) for host in page.items],
            "page": page,
            "page_numbers": range(1, page.pages + 1),
            "page_query": f"?{urlencode(self.page_query())}&overview_page=",
            "bar_left": BAR_LEFT,
            "bar_width": BAR_WIDTH,
            "sign_left": BAR_LEFT + BAR_WIDTH + 6,
        }
