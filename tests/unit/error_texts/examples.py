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

"""The corpus of error texts, and nova's own exceptions for its rows."""

import yaml
from nova import exception

from tests import corpus

_ID = "54d230f3-d8b5-4d7c-8ad4-43033325152b"

#: Nova's own exceptions, so that a change of their words is noticed.
OF_NOVA = {
    "alias-not-live-migratable": exception.MigrationPreCheckError(
        reason="This request does not explicitly request live-migratable devices."
    ),
    "alias-not-defined": exception.PciRequestAliasNotDefined(alias="vf"),
    "forced-with-nested-allocations": exception.NoValidHost(
        reason=f"Unable to move instance {_ID} to host compute2. The instance has complex "
        "allocations on the source host so move cannot be forced."
    ),
    "too-many-retries": exception.MaxRetriesExceeded(
        reason=f"Exceeded max scheduling retries 3 for instance {_ID} during live migration"
    ),
    "service-down": exception.ComputeServiceUnavailable(host="compute1"),
    "same-host": exception.UnableToMigrateToSelf(instance_id=_ID, host="compute1"),
    "across-cells": exception.MigrationPreCheckError(
        reason=f"Unable to force live migrate instance {_ID} across cells."
    ),
    "hypervisor-too-old": exception.DestinationHypervisorTooOld(),
    "hypervisor-type": exception.InvalidHypervisorType(),
    "cpu-incompatible": exception.InvalidCPUInfo(reason="CPU doesn't have compatibility."),
    "no-device-claimed": exception.PciDeviceRequestFailed(requests="[InstancePCIRequest(…)]"),
    "device-in-another-state": exception.PciDeviceInvalidStatus(
        compute_node_id=2, address="0000:82:00.1", status="allocated", hopestatus="available"
    ),
    "device-not-tracked": exception.PciDeviceNotFound(node_id=2, address="0000:82:00.1"),
    "numa-with-devices-does-not-fit": exception.ComputeResourcesUnavailable(
        reason="Requested instance NUMA topology together with requested PCI devices cannot fit "
        "the given host NUMA topology"
    ),
    "numa-does-not-fit": exception.ComputeResourcesUnavailable(
        reason="Requested instance NUMA topology cannot fit the given host NUMA topology"
    ),
    "page-size-unsupported": exception.MemoryPageSizeNotSupported(pagesize=1048576),
    "page-size-differs": exception.ComputeResourcesUnavailable(
        reason="Requested page size is different from current page size."
    ),
    "group-policy": exception.GroupAffinityViolation(policy="Anti-affinity"),
    "no-capacity": exception.MigrationPreCheckError(
        reason=f"Unable to migrate {_ID} to compute2: Lack of memory(host:1 <= instance:512)"
    ),
    "storage": exception.InvalidSharedStorage(path="compute2", reason="shared storage is needed"),
    "disk-exists": exception.DestinationDiskExists(path="/var/lib/nova/instances/7/disk"),
    "port-binding": exception.PortBindingFailed(port_id=_ID),
    "port-not-plugged": exception.VirtualInterfaceCreateException(),
    "feature-not-migratable": exception.OperationNotSupportedForVTPM(
        operation="live_migration", instance_uuid=_ID
    ),
    "placement-failed": exception.PlacementAPIConnectFailure(),
    "pci-not-reported": exception.PlacementPciException(error="a conflict"),
    "hypervisor-unreachable": exception.HypervisorUnavailable(),
    "no-migration-uri": exception.LiveMigrationURINotAvailable(virt_type="kvm"),
    "server-state": exception.InstanceInvalidState(
        instance_uuid=_ID, attr="power_state", state="4", method="live migrate"
    ),
}


def published():
    """Return (row, text, page) of each text that was published."""
    return [
        (row["id"], each["text"], each["at"])
        for row in _CORPUS
        for each in row.get("published", ())
    ]


_CORPUS = yaml.safe_load((corpus.FOLDER / "error_texts.yaml").read_text())

#: The text of each row by its id.
EXAMPLES = {row["id"]: row["text"] for row in _CORPUS}
