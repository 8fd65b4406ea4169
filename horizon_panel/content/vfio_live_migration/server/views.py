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

"""The pages about one server: its preflight, and its live migration."""

import functools

from django.http import JsonResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views import generic
from horizon import exceptions, forms, tables, views
from horizon.utils.http import is_ajax
from openstack_dashboard import policy

from horizon_panel import server_api
from horizon_panel.content.vfio_live_migration.server.forms import (
    MIGRATE_POLICY,
    LiveMigrateForm,
)
from horizon_panel.content.vfio_live_migration.server.tables import (
    ChecksTable,
    DestinationsTable,
)
from vfio_lm.errors import NotFoundError, VfioLmError
from vfio_lm.preflight.wording import summary
from vfio_lm.text import whole_number

_TEMPLATES = "admin/vfio_live_migration/server"


def _address(name, server_id, **query):
    """Return the address of a page about a server."""
    path = reverse(f"horizon:admin:vfio_live_migration:{name}", args=[server_id])
    given = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


class ServerMixin:
    """What the pages about a server have in common."""

    @property
    def server_id(self):
        """The ID in the address."""
        return str(self.kwargs["server_id"])

    @cached_property
    def server_name(self):
        """Return the name of the server, or its ID where nova does not tell."""
        try:
            return server_api.server(self.request, self.server_id).name
        except VfioLmError:
            return self.server_id

    def get_context_data(self, **kwargs):
        """Add the server and the addresses of its pages."""
        context = super().get_context_data(**kwargs)
        context["server_id"] = self.server_id
        context["server_name"] = self.server_name
        context["may_migrate"] = policy.check(MIGRATE_POLICY, self.request)
        return context


class PreflightView(ServerMixin, tables.MultiTableView):
    """Whether a server can live migrate, where to, and what is in the way."""

    table_classes = (DestinationsTable, ChecksTable)
    template_name = f"{_TEMPLATES}/preflight.html"
    page_title = _("Check of {{ server_name }}")
    why_not = ""

    @cached_property
    def report(self):
        """Run the only preflight of this page; None where it cannot be done."""
        try:
            return server_api.preflight(self.request, self.server_id)
        except VfioLmError as exc:
            self.why_not = _("The preflight could not be done: %(reason)s") % {"reason": exc}
            return None

    @cached_property
    def server_name(self):
        """Return the name as the report has it, which saves a question."""
        return self.report.server_name if self.report else super().server_name

    def get_destinations_data(self):
        """Return the destinations."""
        return list(self.report.destinations) if self.report else []

    def get_checks_data(self):
        """Return every answer."""
        if self.report is None:
            return []
        answers = summary.by_urgency(self.report.checks)
        for destination in self.report.destinations:
            answers += summary.by_urgency(destination.checks)
        return answers

    def get_context_data(self, **kwargs):
        """Add what matters of the report."""
        context = super().get_context_data(**kwargs)
        report = self.report
        context["report"] = report
        context["why_not"] = self.why_not
        if report is not None:
            context["verdict"] = report.verdict.value
            context["obstacles"] = summary.obstacles(report)
            context["questions"] = summary.open_questions(report)
            context["warnings"] = summary.warnings(report)
            context["minor_questions"] = summary.minor_questions(report)
        return context


class ReportView(generic.View):
    """The report as the command line gives it with ``-f json``."""

    def get(self, request, server_id):
        """Run the preflight, and return the report."""
        try:
            report = server_api.preflight(request, str(server_id))
        except VfioLmError as exc:
            status = 404 if isinstance(exc, NotFoundError) else 503
            return JsonResponse({"error": str(exc)}, status=status)
        return JsonResponse(report.to_dict(), json_dumps_params={"indent": 2})


class MigrateView(ServerMixin, forms.ModalFormView):
    """Asks where a server should go, and lets nova begin the live migration."""

    form_class = LiveMigrateForm
    template_name = f"{_TEMPLATES}/migrate.html"
    page_title = _("Live Migrate {{ server_name }}")
    form_id = "vfio_live_migrate_form"
    modal_id = "vfio_live_migrate_modal"
    submit_label = _("Live Migrate")

    def dispatch(self, request, *args, **kwargs):
        """Refuse users who may not, as nova would."""
        if not policy.check(MIGRATE_POLICY, request):
            raise exceptions.NotAuthorized(_("You are not allowed to live migrate servers."))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self):
        """Give the form the preflight of the server, or on submit the means to run it."""
        run = functools.partial(server_api.preflight, self.request, self.server_id)
        kwargs = super().get_form_kwargs() | {"server_id": self.server_id}
        if self.request.method == "POST":
            return kwargs | {"run_preflight": run}
        try:
            return kwargs | {"report": run()}
        except VfioLmError as exc:
            return kwargs | {"why_not": str(exc)}

    def get_context_data(self, **kwargs):
        """Add the addresses of the buttons."""
        context = super().get_context_data(**kwargs)
        context["submit_url"] = _address("migrate", self.server_id)
        context["cancel_url"] = _address("preflight", self.server_id)
        return context

    def form_invalid(self, form):
        """Show the form that was sent; Horizon would make another one first."""
        return self.render_to_response(self.get_context_data(form=form))

    def get_success_url_from_handled(self, begun):
        """Return the address of the page that shows the progress."""
        return _address(
            "migration",
            self.server_id,
            after=begun.after,
            request=begun.request_id,
            host=begun.host or "",
        )

    def get_cancel_url(self):
        """Return the address of the preflight page."""
        return _address("preflight", self.server_id)


class MigrationView(ServerMixin, views.HorizonTemplateView):
    """How the last live migration of a server stands; a script asks for the inner part again."""

    template_name = f"{_TEMPLATES}/migration.html"
    page_title = _("Live Migration of {{ server_name }}")

    def get_template_names(self):
        """Return the inner part alone to the script."""
        inner = f"{_TEMPLATES}/_migration.html"
        return [inner] if is_ajax(self.request) else [self.template_name]

    def get_context_data(self, **kwargs):
        """Add what is seen of the live migration."""
        context = super().get_context_data(**kwargs)
        query = self.request.GET
        after = whole_number(query.get("after", "")) or 0
        host = query.get("host") or None
        context["request_id"] = query.get("request", "")
        try:
            context["watched"] = server_api.watch(self.request, self.server_id, after, host)
        except VfioLmError as exc:
            context["why_not"] = str(exc)
        return context
