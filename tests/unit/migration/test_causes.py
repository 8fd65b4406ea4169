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

"""Words of nova, libvirt and QEMU, as they were measured, and what they are taken for."""

import ast
import importlib.util
import pathlib
import re

import testtools
from hypothesis import example, given
from hypothesis import strategies as st
from nova import exception

from vfio_lm.migration.cause_rules import RULES, Certainty
from vfio_lm.migration.causes import Words, known_causes, not_understood
from vfio_lm.preflight.registry import installed_checks

_ID = "54d230f3-d8b5-4d7c-8ad4-43033325152b"

#: Nova's own exceptions, so that a change of their words is noticed.
OF_NOVA = {
    "alias-not-live-migratable": exception.MigrationPreCheckError(
        reason="This request does not explicitly request live-migratable devices."
    ),
    "forced-with-nested-allocations": exception.NoValidHost(
        reason=f"Unable to move instance {_ID} to host compute2. The instance has complex "
        "allocations on the source host so move cannot be forced."
    ),
    "too-many-retries": exception.MaxRetriesExceeded(
        reason=f"Exceeded max scheduling retries 3 for instance {_ID} during live migration"
    ),
    "service-down": exception.ComputeServiceUnavailable(host="compute1"),
    "same-host": exception.UnableToMigrateToSelf(instance_id=_ID, host="compute1"),
    "hypervisor-too-old": exception.DestinationHypervisorTooOld(),
    "hypervisor-type": exception.InvalidHypervisorType(),
    "cpu-incompatible": exception.InvalidCPUInfo(reason="CPU doesn't have compatibility."),
    "no-device-claimed": exception.ComputeResourcesUnavailable(reason="Claim pci failed"),
    "numa-does-not-fit": exception.ComputeResourcesUnavailable(
        reason="Requested instance NUMA topology cannot fit the given host NUMA topology"
    ),
    "group-policy": exception.GroupAffinityViolation(policy="Anti-affinity"),
    "no-capacity": exception.MigrationPreCheckError(
        reason=f"Unable to migrate {_ID} to compute2: Lack of memory(host:1 <= instance:512)"
    ),
    "storage": exception.InvalidSharedStorage(path="compute2", reason="shared storage is needed"),
    "port-binding": exception.PortBindingFailed(port_id=_ID),
    "hypervisor-unreachable": exception.HypervisorUnavailable(),
}

OF_OTHERS = {
    "filter-left-no-host": "Filter NUMATopologyFilter returned 0 hosts",
    "turned-off-in-qemu": "operation failed: cannot migrate domain: 0000:5e:00.4: Migration is "
    "disabled for VFIO device",
    "driver-does-not-begin": "operation failed: cannot migrate domain: 0000:5e:00.4: Migration "
    "couldn't be initialized for VFIO device, err: -22 (Invalid argument)",
    "no-permission": "vfio 0000:5e:00.4: error getting device from group 97: Permission denied",
    "group-not-viable": "vfio 0000:05:00.0: group 15 is not viable",
    "no-iommu": "vfio 0000:05:00.0: no iommu_group found: No such file or directory",
    "memory-lock-limit": "vfio 0000:5e:00.4: failed to setup container for group 112: memory "
    "listener initialization failed: Region pc.ram: vfio_dma_map = -12 (Cannot allocate memory)",
    "not-bound": "Failed to bind PCI device '0000:82:00.1' to vfio-pci: No such device",
    "not-reset": "internal error: Unable to reset PCI device 0000:82:00.1: no FLR, PM reset or bus "
    "reset available",
    "libvirt-busy": "Timed out during operation: cannot acquire state change lock (held by "
    "monitor=remoteDispatchDomainMigratePrepare3Params)",
    "libvirt-too-old": "Requested operation is not valid: cannot migrate a domain with <hostdev "
    "mode='subsystem' type='pci'>",
    "vfio-error": "vfio 0000:82:00.1: failed to do something else",
    "qemu-ended": "internal error: QEMU unexpectedly closed the monitor (vm='instance-00000001')",
    "plain-vfio-pci": "internal error: unable to execute QEMU command 'migrate': 0000:81:00.1: "
    "VFIO migration is not supported in kernel",
    "no-dirty-tracking": "0000:81:00.1: VFIO device doesn't support device and IOMMU dirty "
    "tracking",
    "late-dirty-tracking": "operation failed: job 'migration out' failed: ram_save_setup failed: "
    "Operation not supported",
    "post-copy": "0000:b1:00.2: VFIO migration is not supported with postcopy migration",
    "no-p2p": "Multiple VFIO devices migration is supported only if all of them support P2P "
    "migration",
    "viommu": "Migration is currently not supported with vIOMMU enabled",
    "destination-vf-busy": "vfio 0000:82:00.1: Could not open '/dev/vfio/7': Device or resource "
    "busy",
    "vf-in-use": "Requested operation is not valid: PCI device 0000:82:00.1 is in use by driver "
    "QEMU, domain g1",
    "must-be-detached": "unsupported configuration: PCI device 0000:82:00.1 must be manually "
    "detached from its driver",
    "address-twice": "operation failed: Hostdev already exists in the domain configuration",
    "guest-changed": "unsupported configuration: Target domain device count 4 does not match "
    "source 3",
    "hook-failed": "Hook script execution failed: internal error: Child process (…) unexpected "
    "exit status 1",
    "state-refused": "vfio 0000:82:00.1: Failed setting device state to RUNNING_P2P, err: Invalid "
    "argument. Resetting device",
    "completion-timeout": "Live migration not completed after 800 sec",
    "aborted": "Live Migration failure: operation aborted: migration out job: canceled by client",
    "destination-vf-absent": "An error occurred, but the cause is unknown",
}

#: What nova says without an exception of its own for it.
IN_NOVAS_SOURCE = {
    "alias-not-live-migratable": "conductor/tasks/live_migrate.py",
    "forced-with-nested-allocations": "scheduler/utils.py",
    "too-many-retries": "conductor/tasks/live_migrate.py",
    "no-device-claimed": "compute/claims.py",
    "numa-does-not-fit": "compute/claims.py",
    "no-capacity": "conductor/tasks/live_migrate.py",
    "storage": "virt/libvirt/driver.py",
    "completion-timeout": "virt/libvirt/migration.py",
}

TEXTS = {id_: error.format_message() for id_, error in OF_NOVA.items()} | OF_OTHERS

_NOISE = st.text(st.characters(codec="utf-8"), max_size=60)


def causes(*texts, **fields):
    return list(known_causes(Words(text, "nova.log", **fields) for text in texts))


def texts_of_nova(path):
    """Return the literals of a file of nova's, without importing it."""
    (root,) = importlib.util.find_spec("nova").submodule_search_locations
    tree = ast.parse(pathlib.Path(root, path).read_text())
    return [node.value for node in ast.walk(tree) if isinstance(getattr(node, "value", 0), str)]


class TestRules(testtools.TestCase):
    def test_each_rule_knows_the_words_that_it_was_made_for(self):
        self.assertEqual([rule.id for rule in RULES], sorted(TEXTS, key=self.place))
        for id_, text in TEXTS.items():
            (cause,) = causes(text)
            self.assertEqual(id_, cause.id, text)
            self.assertIn(text, cause.evidence[0])
            self.assertNotIn("{", cause.sentence)

    def place(self, id_):
        return [rule.id for rule in RULES].index(id_)

    def test_nova_says_these_words(self):
        for id_, path in IN_NOVAS_SOURCE.items():
            said = [re.sub(r"%\(\w+\)[sd]|%[sd]", "7", text) for text in texts_of_nova(path)]
            rule = RULES[self.place(id_)]
            self.assertNotEqual([], list(filter(rule.pattern.search, said)), (id_, path))

    def test_every_rule_has_a_way_out(self):
        for rule in RULES:
            self.assertTrue(rule.sentence and rule.remedy, rule.id)
            self.assertIsNone(re.match(rule.pattern, ""), rule.id)

    def test_the_checks_that_rules_point_at_exist(self):
        self.assertEqual(
            set(), {rule.check for rule in RULES if rule.check} - {c.id for c in installed_checks()}
        )

    def test_the_same_words_twice_are_one_cause(self):
        text = TEXTS["plain-vfio-pci"]
        (cause,) = causes(text, text, f"again: {text}")
        self.assertEqual(2, len(cause.evidence))

    def test_words_about_perhaps_another_migration_make_nothing_certain(self):
        for text in TEXTS.values():
            (cause,) = causes(text, is_of_this_migration=False)
            self.assertIsNot(Certainty.CERTAIN, cause.certainty)


class TestAnyWords(testtools.TestCase):
    @given(_NOISE)
    @example("No valid host was found. There are not enough hosts available.")
    def test_what_no_rule_knows_is_said_to_be_not_understood(self, text):
        found = causes(text)
        unknown = not_understood([Words(text, "nova.log")])
        self.assertEqual(1, len(found) + len(unknown))

    @given(_NOISE, st.sampled_from(sorted(TEXTS)), _NOISE)
    def test_words_are_known_in_the_midst_of_others(self, before, id_, after):
        (cause,) = causes(f"{before} {TEXTS[id_]} {after}")
        self.assertLessEqual(self.index(cause.id), self.index(id_))

    def index(self, id_):
        return [rule.id for rule in RULES].index(id_)

    @given(st.lists(st.sampled_from(sorted(TEXTS)), max_size=6))
    def test_each_cause_is_named_once(self, ids):
        fallbacks = {rule.id for rule in RULES if rule.is_fallback}
        expected = set(ids) - fallbacks or set(ids)
        found = [cause.id for cause in causes(*(TEXTS[id_] for id_ in ids))]
        self.assertEqual((expected, len(expected)), (set(found), len(found)))


class TestPublished(testtools.TestCase):
    """Words as people publish them."""

    def test_each_has_its_cause(self):
        for text, id_ in {
            "operation failed: cannot migrate domain: VFIO device doesn't support migration": (
                "plain-vfio-pci"
            ),
            "qemu-system-x86_64: 0000:5e:00.4: Failed to query VFIO migration support, err: Bad "
            "file descriptor": "driver-does-not-begin",
            "internal error: QEMU unexpectedly closed the monitor (vm='instance-00000011'): "
            'qemu-kvm: -device {"driver":"vfio-pci","host":"0000:5e:00.4","id":"hostdev0"}: vfio '
            "0000:5e:00.4: error getting device from group 97: Permission denied": "no-permission",
            "internal error: process exited while connecting to monitor: qemu-kvm: -device "
            "vfio-pci,host=0000:05:00.0: vfio 0000:05:00.0: group 15 is not viable": (
                "group-not-viable"
            ),
            "qemu-kvm: VFIO_MAP_DMA failed: Cannot allocate memory": "memory-lock-limit",
            "PCI device request [InstancePCIRequest(alias_name='vf',count=1,is_new=<?>,numa_po": (
                "no-device-claimed"
            ),
            "Page size 1048576 is not supported by the host.": "numa-does-not-fit",
        }.items():
            (cause,) = causes(text)
            self.assertEqual(id_, cause.id, text)

    def test_a_warning_is_no_cause(self):
        self.assertEqual([], causes("qemu-kvm: warning: vfio 0000:82:00.1: no available reset"))

    def test_nobody_reads_a_thousand_lines_of_evidence(self):
        said = [f"{TEXTS['state-refused']} {number} {'x' * 999}" for number in range(9)]
        (cause,) = causes(*said)
        self.assertEqual("and 6 more like these", cause.evidence[-1])
        self.assertLess(max(map(len, cause.evidence)), 400)
