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

"""The form that begins a live migration, and the rule when it may."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from horizon import forms, messages
from openstack_dashboard import policy

from horizon_panel import server_api
from horizon_panel.content.vfio_live_migration import labels
from vfio_lm.errors import VfioLmError
from vfio_lm.migration import GateDecision, Mode, decide
from vfio_lm.preflight import Verdict
from vfio_lm.preflight.wording import summary

MIGRATE_POLICY = (("compute", "os_compute_api:os-migrate-server:migrate_live"),)

#: Who may ask nova although the preflight says that it is in vain.
OVERRIDE_POLICY = (("vfio_live_migration", "vfio_live_migration:override_preflight"),)

_NOVA_CHOOSES = ("", _("Nova chooses"))


class LiveMigrateForm(forms.SelfHandlingForm):
    """Where a server should go.

    :param report: the preflight, when the form is shown first
    :param why_not: why there is none
    :param run_preflight: runs it again on submit, for the host that is its keyword argument
    """

    host = forms.ThemableChoiceField(label=_("Destination"), required=False)
    override = forms.BooleanField(
        label=_("Ask nova all the same"),
        required=False,
        help_text=_("Nova refuses what cannot work, or the live migration fails."),
    )

    def __init__(
        self, request, *args, server_id, report=None, why_not="", run_preflight=None, **kwargs
    ):
        super().__init__(request, *args, **kwargs)
        self.server_id = server_id
        self.report = report
        self.why_not = why_not
        self._run_preflight = run_preflight
        self.may_override = policy.check(OVERRIDE_POLICY, request)
        self.fields["host"].choices = self._choices()
        if report is not None:
            ready = report.hosts(Verdict.READY)
            self.fields["host"].initial = ready[0] if ready else ""
        if not (self.may_override and (why_not or self.is_blocked or self.is_bound)):
            del self.fields["override"]

    @property
    def is_blocked(self):
        """Whether the preflight found that no live migration can work."""
        return self.report is not None and self.report.verdict is Verdict.BLOCKED

    @property
    def obstacles(self):
        """What the preflight found in the way."""
        return summary.obstacles(self.report) if self.report else ()

    def clean(self):
        """Run the preflight for the host that was chosen, and refuse what it finds in vain."""
        data = super().clean()
        if self.errors:
            return data
        overrides = self.may_override and data.get("override", False)
        try:
            self.report = self._run_preflight(host=data["host"] or None)
        except VfioLmError as exc:
            self.why_not = str(exc)
            if not overrides:
                raise forms.ValidationError(
                    _("The preflight could not be done: %(reason)s"), params={"reason": exc}
                ) from exc
            return data
        mode = Mode.WARN if overrides else Mode.ENFORCE
        if decide(mode, self.report) is GateDecision.STOP:
            raise forms.ValidationError(
                _("The live migration would fail: nova was not asked.")
                if self.is_blocked
                else _(
                    "Nova might put the running server into ERROR: nova was not asked. Check the "
                    "server to see what is not known."
                )
            )
        return data

    def handle(self, request, data):
        """Let nova begin; a ready host is named where nova might choose another."""
        host = data["host"] or None
        if host is None and self.report is not None and self.report.host_to_name is not None:
            host = self.report.host_to_name
            messages.info(
                request,
                _("Nova might choose a host that is not ready, so %(host)s is named.")
                % {"host": host},
            )
        try:
            return server_api.live_migrate(request, self.server_id, host)
        except VfioLmError as exc:
            self.add_error(None, str(exc))
            return False

    def _choices(self):
        if self.is_bound:
            return self._all_hosts()
        destinations = self.report.destinations if self.report else ()
        return (_NOVA_CHOOSES, *((each.host, _named(each)) for each in destinations))

    def _all_hosts(self):
        try:
            hosts = server_api.hosts(self.request)
        except VfioLmError:
            # Then the preflight fails and says why.
            hosts = filter(None, [self.data.get("host")])
        return (_NOVA_CHOOSES, *((host, host) for host in hosts))


def _named(destination):
    """Return a destination as the list shows it."""
    verdict = labels.verdict(destination.verdict)
    free = destination.free_devices
    if free is None:
        return f"{destination.host}: {verdict}"
    devices = ngettext("%(free)d free device", "%(free)d free devices", free) % {"free": free}
    return f"{destination.host}: {verdict}, {devices}"
