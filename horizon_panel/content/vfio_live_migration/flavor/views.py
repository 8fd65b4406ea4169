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

"""The form that creates a flavor, as a page or in a modal."""

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from horizon import exceptions, forms
from openstack_dashboard import policy

from horizon_panel.content.vfio_live_migration.flavor.forms import (
    CREATE_POLICY,
    CreateFlavorForm,
)

_INDEX = reverse_lazy("horizon:admin:vfio_live_migration:index")


class CreateFlavorView(forms.ModalFormView):
    """Creates a flavor that asks for devices of an alias."""

    form_class = CreateFlavorForm
    template_name = "admin/vfio_live_migration/flavor/create.html"
    page_title = _("Create Flavor with PCI Devices")
    form_id = "vfio_create_flavor_form"
    modal_id = "vfio_create_flavor_modal"
    submit_label = _("Create Flavor")
    submit_url = reverse_lazy("horizon:admin:vfio_live_migration:create_flavor")
    success_url = _INDEX

    def dispatch(self, request, *args, **kwargs):
        """Refuse users who may not, as nova would."""
        if not policy.check(CREATE_POLICY, request):
            raise exceptions.NotAuthorized(_("You are not allowed to create flavors."))
        return super().dispatch(request, *args, **kwargs)

    def get_initial(self):
        """Choose the alias of the row that led here."""
        return {"alias": self.request.GET.get("alias", "")}

    def get_success_url(self):
        """Return the address of the tab that shows the flavor."""
        return f"{_INDEX}?tab=vfio_live_migration__aliases"

    def form_invalid(self, form):
        """Show the form that was sent; Horizon would make another one first."""
        return self.render_to_response(self.get_context_data(form=form))
