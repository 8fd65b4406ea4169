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

"""What the tabs with a table from the cloud have in common."""

from django.utils.translation import gettext_lazy as _
from horizon import messages, tabs

from vfio_lm.errors import VfioLmError


class CloudTableTab(tabs.TableTab):
    """A tab whose table comes from the services; what they refuse is said above the table."""

    template_name = "horizon/common/_detail_table.html"

    def ask(self, question):
        """Return what a question to the cloud answers, or nothing.

        :param question: a function of :mod:`horizon_panel.api` that takes the request
        """
        try:
            return question(self.request)
        except VfioLmError as exc:
            messages.error(
                self.request,
                _("%(tab)s cannot be shown: %(reason)s") % {"tab": self.name, "reason": exc},
            )
            return ()
