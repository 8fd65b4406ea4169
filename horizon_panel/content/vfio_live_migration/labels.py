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

"""What the values of vfio_lm are called on the pages; not what they mean."""

from django.utils.translation import pgettext_lazy

# Of devices, hosts, aliases and flavors: Marking, HostMarking, LiveMigratable and Meaning.
LIVE_MIGRATABLE = (
    ("yes", pgettext_lazy("Live Migratable", "Yes")),
    ("no", pgettext_lazy("Live Migratable", "No")),
    ("partly", pgettext_lazy("Live Migratable", "Partly")),
    ("mixed", pgettext_lazy("Live Migratable", "Mixed")),
    ("unspecified", pgettext_lazy("Live Migratable", "Unspecified")),
    ("unknown", pgettext_lazy("Live Migratable", "Unknown")),
    ("alias unknown", pgettext_lazy("Live Migratable", "Alias unknown")),
    ("malformed", pgettext_lazy("Live Migratable", "Malformed")),
    ("no devices", pgettext_lazy("Live Migratable", "No devices")),
)

SERVICE = (
    ("up", pgettext_lazy("Compute Service", "Up")),
    ("down", pgettext_lazy("Compute Service", "Down")),
    ("disabled", pgettext_lazy("Compute Service", "Disabled")),
    ("unknown", pgettext_lazy("Compute Service", "Unknown")),
)

VERDICTS = (
    ("ready", pgettext_lazy("Verdict", "Ready")),
    ("blocked", pgettext_lazy("Verdict", "Blocked")),
    ("unknown", pgettext_lazy("Verdict", "Unknown")),
)
STATUSES = (
    ("pass", pgettext_lazy("Status of a check", "Pass")),
    ("fail", pgettext_lazy("Status of a check", "Fail")),
    ("warn", pgettext_lazy("Status of a check", "Warn")),
    ("unknown", pgettext_lazy("Status of a check", "Unknown")),
    ("not applicable", pgettext_lazy("Status of a check", "Not Applicable")),
)
SCOPES = (
    ("server", pgettext_lazy("Scope of a check", "Server")),
    ("source", pgettext_lazy("Scope of a check", "Source")),
    ("destination", pgettext_lazy("Scope of a check", "Destination")),
    ("cloud", pgettext_lazy("Scope of a check", "Cloud")),
)

DRAIN_STATES = (
    ("can leave", pgettext_lazy("State of a drain", "Can Leave")),
    ("leaving", pgettext_lazy("State of a drain", "Leaving")),
    ("left", pgettext_lazy("State of a drain", "Left")),
    ("failed", pgettext_lazy("State of a drain", "Failed")),
    ("stays", pgettext_lazy("State of a drain", "Stays")),
    ("unknown", pgettext_lazy("State of a drain", "Unknown")),
)

_SERVICE_LABELS = dict(SERVICE)
_LIVE_MIGRATABLE_LABELS = dict(LIVE_MIGRATABLE)
_VERDICT_LABELS = dict(VERDICTS)


def live_migratable(value):
    """Return what a value of live migratable is called."""
    return _LIVE_MIGRATABLE_LABELS[value.value]


def verdict(value):
    """Return what a verdict is called."""
    return _VERDICT_LABELS[value.value]


def service_state(host):
    """Return a key of SERVICE for a host."""
    if host.service is None:
        return "unknown"
    if not host.service.is_up:
        return "down"
    return "up" if host.service.is_enabled else "disabled"


def service(host):
    """Return what the state of a host's compute service is called."""
    return _SERVICE_LABELS[service_state(host)]


def yes_no(value):
    """Return what a truth is called."""
    return pgettext_lazy("truth", "Yes") if value else pgettext_lazy("truth", "No")
