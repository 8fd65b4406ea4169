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


"""How nova exchanges the devices of a guest, without and with the correction; for each release."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.cloud import Cloud, CloudSpec, HostSpec, environments
from tests.cloud.testcase import OwnCloudTestCase
from vfio_lm.compute.domain.remap import hostdev_addresses

_NIC, _CODEC = "1515", "1516"


def _kind(product_id: str) -> dict[str, Any]:
    return {"vendor_id": "8086", "product_id": product_id, "live_migratable": "yes"}


def _host(name: str, *product_ids: str) -> HostSpec:
    specs = (_kind(_NIC), _kind(_CODEC))
    # One VF of each kind: the first kind's PF is in slot 0, the other's in slot 1.
    return HostSpec(name, vfs=1, products=product_ids, bus=0x81, device_specs=specs)


# What is a NIC on one host is at the address of the other's codec.
_HOSTS = (_host("compute1", _NIC, _CODEC), _host("compute2", _CODEC, _NIC))
_ALIASES = tuple(
    _kind(product_id) | {"name": name, "device_type": "type-VF"}
    for name, product_id in (("nic", _NIC), ("codec", _CODEC))
)


class TwoKindsTestCase(OwnCloudTestCase):
    """A cloud of two hosts with two kinds of devices at exchanged addresses."""

    release = environments.CURRENT
    corrections: ClassVar[tuple[str, ...]]

    @classmethod
    def setUpClass(cls) -> None:
        spec = CloudSpec(hosts=_HOSTS, aliases=_ALIASES, corrections=cls.corrections)
        cls.cloud = cls.enterClassContext(Cloud(spec, release=cls.release))
        super().setUpClass()

    def kinds(self, server: Any) -> list[str]:
        """Return what the guest's devices are, in the order of the guest."""
        host = next(each for each in _HOSTS if each.name == server.compute_host)
        addresses = hostdev_addresses(self.cloud.guest_xml(server.id))
        return [host.products[address.slot] for address in addresses]

    def kinds_before_and_after(self) -> tuple[list[str], list[str]]:
        """Live migrate a server with one device of each kind."""
        server = self.boot(alias="nic:1,codec:1")
        before = self.kinds(server)
        self.assertEqual({_NIC, _CODEC}, set(before))
        source = server.compute_host
        server = self.migrate(server)
        self.assertEqual(("ACTIVE", False), (server.status, server.compute_host == source))
        return before, self.kinds(server)


class Exchanged(TwoKindsTestCase):
    """The installed nova-compute; this ends when nova itself is right."""

    corrections = ()

    def test_the_guest_gets_its_devices_exchanged(self) -> None:
        before, after = self.kinds_before_and_after()
        self.assertEqual([*reversed(before)], after)


class KeptApart(TwoKindsTestCase):
    """The installed nova-compute, started by vfio-lm-nova-compute."""

    corrections = ("pci-addresses",)

    def test_each_device_of_the_guest_stays_what_it_is(self) -> None:
        before, after = self.kinds_before_and_after()
        self.assertEqual(before, after)
        self.assertIn("was corrected", self.cloud.logs("nova", lines=5000))
