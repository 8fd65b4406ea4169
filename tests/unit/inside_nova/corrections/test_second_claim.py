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

"""Both claims of a server are kept by nova's tracker of devices."""

import collections
import os
import types

import testtools

os.environ.setdefault("OS_NOVA_DISABLE_EVENTLET_PATCHING", "1")

from nova.pci import manager

from vfio_lm.inside_nova.corrections.second_claim import CORRECTION


class TestSecondClaim(testtools.TestCase):
    def tracker(self):
        tracker = manager.PciDevTracker.__new__(manager.PciDevTracker)
        tracker.pci_devs = ["a", "b"]
        tracker.claims = collections.defaultdict(list)
        claims = iter([["a"], ["b"], []])
        tracker._claim_instance = lambda *args: next(claims)
        return tracker

    def claims(self, function):
        tracker = self.tracker()
        requests = types.SimpleNamespace(requests=["any"], instance_uuid="server")
        answers = [function(tracker, None, requests, None) for _ in range(3)]
        self.assertEqual([["a"], ["b"], []], answers)
        return tracker.claims["server"]

    def test_the_installed_one_forgets_the_first(self):
        self.assertEqual(["b"], self.claims(manager.PciDevTracker.claim_instance))

    def test_the_corrected_one_does_not(self):
        corrected = CORRECTION.corrected(manager.PciDevTracker.claim_instance)
        self.assertEqual(["a", "b"], self.claims(corrected))
