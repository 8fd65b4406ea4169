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

"""Configurations as if they had been read from files, and what one rule makes of them."""

import json

import testtools

from vfio_lm.pci.conf_text import ConfText, Setting
from vfio_lm.pci.lint.configurations import Edit, Service, edited, view_cloud

VF = {"name": "vf", "vendor_id": "15b3", "product_id": "101e"}
SPEC = {"vendor_id": "15b3", "product_id": "101e"}
YES = {"live_migratable": "yes"}


def conf(*pairs, label="api"):
    """Return a service with one setting in a line; an object or a list stands for its JSON."""
    settings = (
        Setting(name, value if isinstance(value, str) else json.dumps(value), "nova.conf", line)
        for line, (name, value) in enumerate(pairs, start=1)
    )
    return Service(label, ConfText(("nova.conf",), tuple(settings)))


def corrected(replacement):
    """Return the setting that a replacement makes."""
    if isinstance(replacement, Edit):
        return edited(replacement.entry.setting, [replacement])
    return replacement


class RuleCase(testtools.TestCase):
    def hits(self, rule, *services, release=None):
        return list(rule(view_cloud(services, release)))

    def corrections(self, rule, *services, release=None):
        """Return what should stand instead, as data; None where only a human can know."""
        found = [hit.replacement for hit in self.hits(rule, *services, release=release)]
        return [each and json.loads(corrected(each).value) for each in found]

    def settings(self, rule, *services):
        """Return the option and the value that should be there."""
        found = [corrected(hit.replacement) for hit in self.hits(rule, *services)]
        return [(each.name, each.value) for each in found]

    def labels(self, rule, *services, release=None):
        return [hit.label for hit in self.hits(rule, *services, release=release)]
