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

"""Each PF and PCI device that nova counts in placement."""

from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel import api
from horizon_panel.content.vfio_live_migration import labels, links
from horizon_panel.content.vfio_live_migration.cloud_tab import CloudTableTab
from horizon_panel.content.vfio_live_migration.paging import PagedTable


class DevicesTable(PagedTable):
    """A row for each provider of a PF or PCI device."""

    host = tables.WrappingColumn(
        "host", verbose_name=_("Host"), link=lambda device: links.host(device.host)
    )
    address = tables.Column("address", verbose_name=_("Address"))
    resource_class = tables.Column("resource_class", verbose_name=_("Resource Class"))
    total = tables.Column("total", verbose_name=_("Total"))
    used = tables.Column("used", verbose_name=_("Used"))
    free = tables.Column("free", verbose_name=_("Free"))
    live_migratable = tables.Column(
        lambda device: device.live_migratable.value,
        verbose_name=_("Live Migratable"),
        display_choices=labels.LIVE_MIGRATABLE,
        help_text=_(
            "Whether the trait HW_PCI_LIVE_MIGRATABLE declares it. Unknown where the trait is "
            "missing and nova-compute is older than 2026.2, which would not report it."
        ),
    )
    contested = tables.Column(
        lambda device: device.is_contested,
        verbose_name=_("Contested"),
        filters=(labels.yes_no,),
        help_text=_("Whether another service says that it owns the device, which nova manages."),
    )

    class Meta:
        name = "devices"
        verbose_name = _("Devices")

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
    filter_label = _("Host, address or resource class")

    def get_devices_data(self):
        """Return the devices of all hosts, on pages."""
        hosts = api.hosts(self.request, self.note_gap)
        devices = [device for host in hosts for device in host.devices or ()]
        found = self.filtered(devices, lambda d: (d.host, d.address, d.resource_class))
        return self.show(self._tables["devices"], found)
