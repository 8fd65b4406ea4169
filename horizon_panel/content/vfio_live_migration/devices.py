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

"""The tab Devices: each PF and PCI device that nova counts in placement."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from horizon import tables

from horizon_panel import api
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab

LIVE_MIGRATABLE = (
    ("yes", pgettext_lazy("Live Migratable", "Yes")),
    ("no", pgettext_lazy("Live Migratable", "No")),
    ("unknown", pgettext_lazy("Live Migratable", "Unknown")),
)


class DeviceFilter(tables.FilterAction):
    """Shows only what has the text somewhere."""

    def filter(self, table, devices, filter_string):
        """Return the devices that have a text in their host, address, or resource class."""
        text = filter_string.lower()
        return [
            device
            for device in devices
            if any(
                text in field.lower()
                for field in (device.host, device.address, device.resource_class)
            )
        ]


class DevicesTable(tables.DataTable):
    """A row for each provider of a PF or PCI device."""

    host = tables.Column("host", verbose_name=_("Host"))
    address = tables.Column("address", verbose_name=_("Address"))
    resource_class = tables.Column("resource_class", verbose_name=_("Resource Class"))
    total = tables.Column("total", verbose_name=_("Total"))
    used = tables.Column("used", verbose_name=_("Used"))
    free = tables.Column("free", verbose_name=_("Free"))
    live_migratable = tables.Column(
        lambda device: device.live_migratable.value,
        verbose_name=_("Live Migratable"),
        display_choices=LIVE_MIGRATABLE,
    )

    class Meta:
        name = "devices"
        verbose_name = _("Devices")
        table_actions = (DeviceFilter,)
        multi_select = False

    def get_object_id(self, device):
        """Return the UUID of the provider."""
        return device.provider.uuid

    def get_object_display(self, device):
        """Return what names the device for people."""
        return f"{device.host} {device.address}"


class DevicesTab(CloudTableTab):
    """All devices of the cloud."""

    table_classes = (DevicesTable,)
    name = _("Devices")
    slug = "devices"

    def get_devices_data(self):
        """Return all devices."""
        return self.ask(api.devices)
