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

"""The tables of the preflight page."""

from django.utils.translation import gettext_lazy as _
from horizon import tables

from horizon_panel.content.vfio_live_migration import labels
from vfio_lm.preflight.wording import summary


def _in_the_way(destination):
    return (
        "; ".join(f"{each.id}: {each.message}" for each in summary.in_the_way(destination)) or None
    )


class DestinationsTable(tables.DataTable):
    """A row for each destination, the ready ones first."""

    host = tables.Column("host", verbose_name=_("Host"))
    verdict = tables.Column(
        lambda destination: destination.verdict.value,
        verbose_name=_("Verdict"),
        display_choices=labels.VERDICTS,
    )
    free = tables.Column("free_devices", verbose_name=_("Free Devices"))
    in_the_way = tables.Column(_in_the_way, verbose_name=_("What Is in the Way"))

    class Meta:
        name = "destinations"
        verbose_name = _("Destinations")
        multi_select = False

    def get_object_id(self, destination):
        """Return the name of the host."""
        return destination.host


class ChecksTable(tables.DataTable):
    """A row for each answer: the server's own first, then those of each destination."""

    scope = tables.Column(
        lambda result: result.scope.value, verbose_name=_("Scope"), display_choices=labels.SCOPES
    )
    host = tables.Column("host", verbose_name=_("Host"), empty_value="")
    check = tables.Column("id", verbose_name=_("Check"))
    status = tables.Column(
        lambda result: result.status.value,
        verbose_name=_("Status"),
        display_choices=labels.STATUSES,
    )
    message = tables.Column("message", verbose_name=_("Detail"))

    class Meta:
        name = "checks"
        verbose_name = _("All Checks")
        multi_select = False
        hidden_title = True

    def get_object_id(self, result):
        """Return what no other answer of the report has."""
        return f"{result.id}-{result.scope.value}-{result.host or ''}"
