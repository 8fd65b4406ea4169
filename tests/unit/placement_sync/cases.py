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

"""What tests of the engine begin with: what is desired, what is found, or a service to write to."""

import testtools

from placement_sync.engine.desired import desired
from placement_sync.engine.planning import Aliases, compare, make_plan
from placement_sync.engine.round import Engine
from tests.unit.placement_sync.fleet import (
    LIVE,
    NOT_LIVE,
    YES,
    Placement,
    facts,
    host,
    root,
    snapshot,
)


class DesiredTestCase(testtools.TestCase):
    def desired(self, config, *children):
        return desired(config, snapshot(root(), *children).trees["compute1"])

    def assert_root(self, wanted, present=(), unknown=()):
        """Those of our two traits that are neither present nor unknown have to be absent."""
        self.assertEqual(set(present), set(wanted.root.present))
        told = wanted.root.present.keys() | wanted.root.absent.keys()
        self.assertEqual(set(unknown), {LIVE, NOT_LIVE} - told)

    def from_facts(self, *devices, specs=(YES,), children=(), **kwargs):
        config = host("compute1", *specs, facts=facts(*devices), **kwargs)
        return self.desired(config, *children)


class FindingsTestCase(testtools.TestCase):
    def plan(self, hosts, *providers, **kwargs):
        return make_plan(compare(hosts, snapshot(*providers)), **kwargs)[0]

    def finding(self, kind, hosts, *providers, **kwargs):
        """Return the only finding."""
        (found,) = self.plan(hosts, *providers, **kwargs).findings
        self.assertIs(kind, found.kind, found)
        return found

    def aliases(self, config, **kwargs):
        return Aliases(aliases=config.conf.aliases, is_whole_cloud=True, **kwargs)


class EngineTestCase(testtools.TestCase):
    def serve(self, *providers):
        self.placement = Placement(*providers)
        self.addCleanup(self.placement.start().stop)
        self.engine = Engine(self.placement.adapter)

    def round(self, *hosts, **kwargs):
        """Make a round and return its result; the requests are those of this round alone."""
        self.placement.requests.clear()
        return self.engine.run_round(hosts, **kwargs)

    @property
    def writes(self):
        return [r for r in self.placement.requests if r.startswith("PUT /resource_providers")]
