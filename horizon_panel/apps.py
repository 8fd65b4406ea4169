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

"""What Django runs once it knows all applications: the panel's action in Horizon's own table."""

from django.apps import AppConfig


class HorizonPanelConfig(AppConfig):
    """The application of the panel."""

    name = "horizon_panel"

    def ready(self):
        """Add the action to Admin → Compute → Instances."""
        from horizon_panel.instance_action import add

        add()
