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

"""How many servers fit, and with which devices; test_plan compares it with trying everything."""

from __future__ import annotations

import testtools

from vfio_lm.drain.model import Mover, Pool, Room
from vfio_lm.drain.solver import Batch, most_that_fit


def batch(size: int, *hosts: str, isolates: bool = False, **devices: int) -> Batch:
    mover = Mover(
        server_id="s",
        name="s",
        resources={"VCPU": 1},
        devices=devices,
        hosts=frozenset(hosts),
        isolates_devices=isolates,
    )
    return Batch(mover, size)


def room(host: str, *pools: Pool, vcpus: int = 9) -> Room:
    return Room(host, {"VCPU": vcpus}, pools)


def pool(name: str, free: int, *kinds: str) -> Pool:
    return Pool(name, free, frozenset(kinds))


class TestMostThatFit(testtools.TestCase):
    def test_nothing_to_move_is_no_problem(self) -> None:
        self.assertEqual((), most_that_fit([], [room("h1")]))
        self.assertEqual((), most_that_fit([batch(1)], [room("h1")]))

    def test_as_many_as_there_are_devices(self) -> None:
        (share,) = most_that_fit([batch(3, "h1", vf=2)], [room("h1", pool("p", 5, "vf"))])
        self.assertEqual(("h1", 2, {"vf": {"p": 4}}), (share.host, share.servers, share.devices))

    def test_as_many_as_there_are_processors(self) -> None:
        (share,) = most_that_fit([batch(3, "h1")], [room("h1", vcpus=2)])
        self.assertEqual((2, {}), (share.servers, share.devices))

    def test_a_device_that_serves_two_kinds_is_given_once(self) -> None:
        both = pool("both", 1, "red", "blue")
        shares = most_that_fit([batch(1, "h1", red=1), batch(1, "h1", blue=1)], [room("h1", both)])
        self.assertEqual(1, sum(share.servers for share in shares))

    def test_isolated_devices_come_from_different_providers(self) -> None:
        isolated = batch(1, "h1", isolates=True, vf=2)
        self.assertEqual((), most_that_fit([isolated], [room("h1", pool("p", 4, "vf"))]))
        two = room("h1", pool("p", 4, "vf"), pool("q", 1, "vf"))
        (share,) = most_that_fit([isolated], [two])
        self.assertEqual({"vf": {"p": 1, "q": 1}}, share.devices)

    def test_an_overcommitted_host_takes_none(self) -> None:
        self.assertEqual((), most_that_fit([batch(1, "h1")], [room("h1", vcpus=-2)]))
        full = room("h1", pool("p", -1, "vf"))
        self.assertEqual((), most_that_fit([batch(1, "h1", vf=1)], [full]))
