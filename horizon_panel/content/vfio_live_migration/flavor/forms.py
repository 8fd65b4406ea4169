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

"""What a new flavor should be; the rules are those of ``openstack vfio flavor create``."""

from django.utils.translation import gettext_lazy as _
from horizon import forms, messages

from horizon_panel import api
from vfio_lm.cloud.model import NewFlavor
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.errors import VfioLmError
from vfio_lm.inventory.flavor import desired_specs, parse_counts
from vfio_lm.inventory.write_flavor import create_flavor
from vfio_lm.pci.flavor import ALIAS_EXTRA_SPEC

CREATE_POLICY = (
    ("compute", "os_compute_api:os-flavor-manage:create"),
    ("compute", "os_compute_api:os-flavor-extra-specs:create"),
)

_GREATEST = 2147483647

#: What Horizon's own form takes for none.
_ANY_ID = "auto"


def _size(label, initial, least):
    return forms.IntegerField(label=label, initial=initial, min_value=least, max_value=_GREATEST)


class CreateFlavorForm(forms.SelfHandlingForm):
    """A flavor that asks for devices of one alias."""

    name = forms.CharField(label=_("Name"), max_length=255)
    flavor_id = forms.RegexField(
        label=_("ID"),
        regex=r"^[a-zA-Z0-9. _-]+$",
        required=False,
        max_length=255,
        initial=_ANY_ID,
        help_text=_("With 'auto' nova chooses one."),
    )
    alias = forms.CharField(label=_("Alias"))
    count = _size(_("Devices"), 1, 1)
    vcpus = _size(_("vCPUs"), 1, 1)
    ram = _size(_("RAM (MB)"), 256, 1)
    disk = _size(_("Root Disk (GB)"), 0, 0)
    ephemeral = _size(_("Ephemeral Disk (GB)"), 0, 0)
    swap = _size(_("Swap Disk (MB)"), 0, 0)
    group_policy = forms.ThemableChoiceField(
        label=_("Providers of the Devices"),
        required=False,
        choices=(
            ("", _("As nova does by default")),
            ("none", _("Any")),
            ("isolate", _("Each device from another one")),
        ),
    )
    host_trait = forms.BooleanField(
        label=_("Require the trait of hosts"),
        required=False,
        help_text=_(
            "Only right where an agent keeps HW_PCI_LIVE_MIGRATABLE on the root provider of each "
            "host: elsewhere no host is left."
        ),
    )
    properties = forms.CharField(
        label=_("Further Extra Specs"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One on a line, for example hw:cpu_policy=dedicated."),
    )
    projects = forms.MultipleChoiceField(
        label=_("Projects"),
        required=False,
        help_text=_("Only these may use the flavor; without any, all projects may."),
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=65535,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, request, *args, **kwargs):
        super().__init__(request, *args, **kwargs)
        self.why_not = ""
        self.why_public = ""
        try:
            conf = api.nova_conf(request)
        except VfioLmError as exc:
            conf, self.why_not = None, str(exc)
        self.aliases = conf.aliases if conf else None
        if self.aliases is None:
            # Which trait the host needs is only known with the definition of the alias.
            del self.fields["host_trait"]
        else:
            names = sorted(self.aliases)
            self.fields["alias"] = forms.ThemableChoiceField(
                label=_("Alias"), choices=[(name, name) for name in names]
            )

        self._offer_projects()

    def _offer_projects(self):
        try:
            self.fields["projects"].choices = api.projects(self.request)
        except VfioLmError as exc:
            self.why_public = str(exc)
            del self.fields["projects"]

    def clean_properties(self):
        """Return the extra specs by key."""
        found = {}
        for line in filter(str.strip, self.cleaned_data["properties"].splitlines()):
            key, is_pair, value = (part.strip() for part in line.partition("="))
            if not (key and is_pair):
                raise forms.ValidationError(
                    _('"%(line)s" is not of the form KEY=VALUE.'), params={"line": line}
                )
            if key == ALIAS_EXTRA_SPEC:
                raise forms.ValidationError(_("The alias is chosen above."))
            if key in found:
                raise forms.ValidationError(_('"%(key)s" is given twice.'), params={"key": key})
            found[key] = value
        return found

    def clean(self):
        """Work out all extra specs."""
        data = super().clean()
        if self.why_public and self.data.get("projects"):
            # They were chosen when they could be listed: no other project should get the flavor.
            raise forms.ValidationError(self.why_public)
        if self.errors:
            return data
        try:
            data["extra_specs"] = desired_specs(
                data["properties"],
                parse_counts([f"{data['alias']}:{data['count']}"]),
                group_policy=data["group_policy"] or None,
                host_trait=data.get("host_trait", False),
                aliases=self.aliases,
            )
        except VfioLmError as exc:
            raise forms.ValidationError(str(exc)) from exc
        return data

    def handle(self, request, data):
        """Create the flavor; what fails half-way is taken back."""
        projects = data.get("projects", [])
        new = NewFlavor(
            name=data["name"],
            vcpus=data["vcpus"],
            ram_mib=data["ram"],
            root_gib=data["disk"],
            ephemeral_gib=data["ephemeral"],
            swap_mib=data["swap"],
            is_public=not projects,
            id=None if data["flavor_id"] in ("", _ANY_ID) else data["flavor_id"],
            description=data["description"] or None,
        )
        try:
            nova = ComputeClient.of(api.connection(request))
            create_flavor(nova, new, data["extra_specs"], projects)
        except VfioLmError as exc:
            self.add_error(None, str(exc))
            return False
        messages.success(request, _('Created flavor "%(name)s".') % {"name": new.name})
        return True
