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

"""Free devices go into the pools they are counted in, or are reported."""

import types

import testtools

from vfio_lm.inside_nova.destination import fill_pools, place_of_device, place_of_pool


def vf(number, status="available", node=0, pf="0000:81:00.0"):
    return types.SimpleNamespace(
        address=f"{pf[:-1]}{number}",
        parent_addr=pf,
        dev_type="type-VF",
        vendor_id="8086",
        product_id="1515",
        numa_node=node,
        status=status,
    )


def pool(count, node=0, pf="0000:81:00.0", **tags):
    return {
        "address": pf,
        "dev_type": "type-VF",
        "vendor_id": "8086",
        "product_id": "1515",
        "numa_node": node,
        "count": count,
        **tags,
    }


def every(pool):
    return True


class TestFillPools(testtools.TestCase):
    def test_free_devices_are_in_their_pool(self):
        pools = [pool(2), pool(1, node=1, pf="0000:82:00.0")]
        devices = [vf(1), vf(2), vf(3, "allocated"), vf(1, node=1, pf="0000:82:00.0")]
        self.assertEqual([], fill_pools(pools, devices, every))
        self.assertEqual([devices[:2], devices[3:]], [each["devices"] for each in pools])

    def test_the_table_of_devices_is_newer_than_the_pools(self):
        pools = [pool(2)]
        notes = fill_pools(pools, [vf(1), vf(2, "claimed")], every)
        self.assertEqual(1, pools[0]["count"])
        self.assertEqual(
            ["1 devices of 0000:81:00.0 are free, and nova-compute reported 2 last"], notes
        )

    def test_nothing_is_said_of_a_pool_that_the_server_asks_nothing_of(self):
        pools = [pool(2, physical_network="physnet2"), pool(1, node=1)]
        devices = [vf(1), vf(2, "claimed"), vf(3, "claimed", node=1)]
        (note,) = fill_pools(pools, devices, lambda each: "physical_network" not in each)
        self.assertIn("0 devices", note)
        self.assertEqual([1, 0], [each["count"] for each in pools])

    def test_devices_that_no_pool_counts_are_told_of(self):
        pools = []
        self.assertEqual(
            ["2 devices of 0000:81:00.0 are free, and nova-compute reported none last"],
            fill_pools(pools, [vf(1), vf(2)], every),
        )

    def test_vfs_of_one_pf_with_different_tags(self):
        pools = [pool(1, live_migratable="true"), pool(1)]
        self.assertEqual([], fill_pools(pools, [vf(1), vf(2)], every))
        self.assertEqual([1, 1], [len(each["devices"]) for each in pools])

    def test_a_device_is_where_its_pool_is(self):
        self.assertEqual(place_of_pool(pool(1)), place_of_device(vf(1)))
