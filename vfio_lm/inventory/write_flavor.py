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

"""Creating and changing flavors in nova; what is to be changed is worked out elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vfio_lm.cloud.model import CloudFlavor, NewFlavor
from vfio_lm.cloud.nova import ComputeClient
from vfio_lm.errors import CloudError
from vfio_lm.inventory.flavor import FlavorChange


def create_flavor(
    nova: ComputeClient,
    new: NewFlavor,
    extra_specs: Mapping[str, str],
    project_ids: Iterable[str] = (),
) -> CloudFlavor:
    """Create a flavor with its extra specs; what fails half-way is taken back.

    :param project_ids: the projects that may use a private flavor
    :raises CloudError: if nova refuses
    """
    flavor = nova.create_flavor(new)
    try:
        nova.set_extra_specs(flavor.id, extra_specs)
        for project_id in project_ids:
            nova.allow_flavor(flavor.id, project_id)
        return nova.flavor(flavor.id)
    except CloudError:
        nova.delete_flavor(flavor.id)
        raise


def apply_change(nova: ComputeClient, flavor: CloudFlavor, wanted: FlavorChange) -> None:
    """Change the extra specs of a flavor; doing it again does no harm.

    :raises CloudError: if nova refuses
    """
    if wanted.set:
        nova.set_extra_specs(flavor.id, wanted.set)
    for key in wanted.unset:
        nova.delete_extra_spec(flavor.id, key)
