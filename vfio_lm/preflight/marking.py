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

"""Whether the devices of a PCI provider are declared live migratable, by nova.conf or by traits."""

from __future__ import annotations

from vfio_lm.cloud.model import Marking, Provider
from vfio_lm.pci import LiveMigratable
from vfio_lm.pci.hosts import Host
from vfio_lm.pci.provider_origin import origin


def marking(provider: Provider, host: Host, *, holder: str | None = None) -> Marking:
    """Return what the host's own nova.conf declares of a provider's devices, or else its traits.

    Nova serves an alias from devices with the tag ``live_migratable``; the trait is only its
    shadow, and the tag ``traits`` casts the same shadow without it. Where nova.conf says yes but a
    nova-compute that reports the trait of its own accord does not, it runs with another
    configuration than the one given, and the answer is unknown. Before nova 34 the VFs of one PF
    may differ; which of them a server gets is not known either.

    :param holder: ID of a server: only the devices that it has count, where the facts show them
    """
    if host.conf is None or host.conf.device_specs is None:
        return provider.marking
    said = origin(host, provider.reported, holder=holder).declared
    if not said:
        return Marking.UNKNOWN
    if LiveMigratable.YES not in said:
        return Marking.NOT_MARKED
    if len(said) > 1 or provider.marking is Marking.NOT_MARKED:
        return Marking.UNKNOWN
    return Marking.MARKED
