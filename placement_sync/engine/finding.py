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

"""What a round finds that no write of ours mends; what is to be written is in the plan."""

from __future__ import annotations

import dataclasses
import enum


class Kind(enum.Enum):
    """What is wrong."""

    MISSING = "missing"
    """A provider of nova's lacks a trait that the configuration of its host stands for."""
    EXTRA = "extra"
    """A provider of nova's has a trait that the configuration of its host does not stand for."""
    CONTESTED = "contested"
    """Somebody else changed a provider back twice; it is left alone."""
    UNDECIDED = "undecided"
    """What is known does not tell what a provider should carry; it stays as it is."""
    DRIVER_CANNOT = "driver cannot migrate"
    """The device specification says yes, and the host facts say that it cannot be."""
    PROVIDER_WITHOUT_DEVICE = "provider without device"
    """A PCI provider whose device the host does not have, or may not give away."""
    DEVICE_WITHOUT_PROVIDER = "device without provider"
    """A device that nova-compute should report and does not."""
    HOST_WITHOUT_PROVIDER = "host without provider"
    """Placement has no root provider with the name of the host."""
    PROVIDER_WITHOUT_HOST = "provider without host"
    """PCI providers below a root that is no hypervisor of nova's."""
    CONSUMER_WITHOUT_SERVER = "consumer without server"
    """Something holds PCI devices that nova knows neither as a server nor as a migration."""
    ALIAS_WITHOUT_PROVIDER = "alias without provider"
    """No host has a device that satisfies the alias."""
    ALIAS_WITHOUT_TRAIT = "alias without trait"
    """Placement also offers providers to the alias that cannot take the server."""
    FLAVOR_DISAGREES = "flavor disagrees"
    """A flavor asks for other hosts than its aliases need."""
    FLAVOR_WITHOUT_HOST = "flavor without host"
    """No host would be left for a flavor."""

    @property
    def is_drift(self) -> bool:
        """Whether something is wrong, rather than not known or less good than it could be."""
        return self not in (Kind.ALIAS_WITHOUT_TRAIT, Kind.UNDECIDED)


@dataclasses.dataclass(frozen=True)
class AuditFinding:
    """One thing that only the operator can mend."""

    kind: Kind
    subject: str
    """The name of the provider, alias or flavor."""
    text: str
    """What is wrong."""
    remedy: str
    """What to do about it."""
    where: str = ""
    """``FILE:LINE``, or the file or host, that the remedy is about."""

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.subject}: {self.kind.value}: {self.text}; {self.remedy}{where}"
