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

"""A small real OpenStack on loopback for functional tests; no part of the product.

keystone, placement, glance and nova are the real services, each with SQLite, on ports that
are free; of nova's computes only the hypervisor, the volumes and the network are doubles. With
``CloudSpec(neutron=True)`` neutron is real, too: its API and ML2, the bindings, its own SR-IOV
agent for each host, the bandwidth in placement and the events for nova. Its agents see no switch
but what the hypervisors have plugged; an Open vSwitch agent only reports and says which ports are
up, and subports of a trunk stay bound where they were, which the real one would change::

    with Cloud(CloudSpec(hosts=(HostSpec("a"), HostSpec("b", device_specs=())))) as cloud:
        client = cloud.connection()
        subprocess.run(["openstack", "server", "list"], env=os.environ | cloud.environ())
        cloud.restart_host("b", HostSpec("b"))

For people: ``python -m tests.cloud up``.
"""

from tests.cloud.cloud import Cloud
from tests.cloud.errors import CloudError
from tests.cloud.spec import CloudSpec, HostSpec

__all__ = ["Cloud", "CloudError", "CloudSpec", "HostSpec"]
