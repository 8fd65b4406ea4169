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

"""Whatever nova may say, for property tests."""

import datetime

from hypothesis import strategies as st

from vfio_lm.pci.live_migratable import LiveMigratable
from vfio_lm.pci.nova_word import (
    Decider,
    DevicePool,
    Ending,
    HostCell,
    NovaAnswer,
    NovaDestination,
    NovaWord,
    Objection,
    Omission,
    PageCount,
    ServerCell,
    StoredDevice,
    StoredHost,
    StoredRequest,
    StoredServer,
)

NOW = datetime.datetime(2026, 11, 24, 4, 0, tzinfo=datetime.UTC)

#: The fewest fields of a document.
MINIMAL = {"version": 1, "taken_at": "2026-11-24T04:00:00+00:00", "nova_version": "34.0.0"}

_STRING = st.text(max_size=6)
_STRING_OR_NONE = st.none() | _STRING
_COUNT = st.integers(0, 1 << 40)
_COUNT_OR_NONE = st.none() | _COUNT
_TAGS = st.dictionaries(_STRING, _STRING, max_size=2)


def _several(items):
    return st.lists(items, max_size=2).map(tuple)


_OBJECTIONS = st.builds(
    Objection,
    decider=st.sampled_from(Decider),
    reason=_STRING,
    name=_STRING_OR_NONE,
    log=_several(_STRING),
)
_DESTINATIONS = st.builds(
    NovaDestination,
    host=_STRING,
    node=_STRING,
    ending=st.sampled_from(Ending),
    may_be_chosen=st.booleans(),
    objections=_several(_OBJECTIONS),
    weight=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    candidates=_COUNT,
    cells=_several(_COUNT),
    notes=_several(_STRING),
)
_ANSWERS = st.builds(
    NovaAnswer,
    servers=st.lists(_STRING, min_size=1, max_size=2).map(tuple),
    source=_STRING_OR_NONE,
    ending=st.sampled_from(Ending),
    objections=_several(_OBJECTIONS),
    destinations=_several(_DESTINATIONS),
    is_about_one_host=st.booleans(),
    seconds=st.floats(0, 1e6),
)
_REQUESTS = st.builds(
    StoredRequest,
    request_id=_STRING_OR_NONE,
    count=_COUNT,
    is_port=st.booleans(),
    alias=_STRING_OR_NONE,
    live_migratable=st.sampled_from(LiveMigratable),
    numa_policy=_STRING_OR_NONE,
    specs=_several(_TAGS),
    providers=_several(_STRING),
)
_DEVICES = st.builds(
    StoredDevice,
    address=_STRING,
    vendor_id=_STRING,
    product_id=_STRING,
    kind=_STRING,
    status=_STRING,
    parent_address=_STRING_OR_NONE,
    numa_node=_COUNT_OR_NONE,
    request_id=_STRING_OR_NONE,
    host=_STRING_OR_NONE,
)
_SERVERS = st.builds(
    StoredServer,
    id=_STRING,
    name=_STRING,
    project_id=_STRING,
    host=_STRING_OR_NONE,
    node=_STRING_OR_NONE,
    cell=_STRING,
    vm_state=_STRING,
    task_state=_STRING_OR_NONE,
    power_state=_STRING_OR_NONE,
    requests=_several(_REQUESTS),
    scheduled_requests=_several(_REQUESTS),
    devices=_several(_DEVICES),
    cells=_several(
        st.builds(
            ServerCell,
            host_cell=_COUNT,
            cpus=_several(_COUNT),
            memory_mb=_COUNT,
            page_size_kb=_COUNT_OR_NONE,
            cpu_policy=_STRING_OR_NONE,
            pinning=st.dictionaries(_STRING, _COUNT, max_size=2),
        )
    ),
)
_CELLS = st.builds(
    HostCell,
    id=_COUNT,
    shared_cpus=_several(_COUNT),
    dedicated_cpus=_several(_COUNT),
    free_dedicated_cpus=_several(_COUNT),
    memory_mb=_COUNT,
    free_memory_mb=st.integers(-5, 5),
    pages=_several(
        st.builds(PageCount, size_kb=_COUNT, total=_COUNT, used=_COUNT, reserved=_COUNT)
    ),
)
_POOLS = st.builds(
    DevicePool,
    address=_STRING,
    vendor_id=_STRING,
    product_id=_STRING,
    kind=_STRING,
    total=_COUNT,
    free=_COUNT,
    numa_node=_COUNT_OR_NONE,
    tags=_TAGS,
    provider=_STRING_OR_NONE,
)
_HOSTS = st.builds(
    StoredHost,
    host=_STRING,
    node=_STRING,
    id=_STRING,
    cell=_STRING,
    is_up=st.booleans(),
    is_disabled=st.booleans(),
    is_forced_down=st.booleans(),
    service_version=_COUNT,
    hypervisor_type=_STRING,
    hypervisor_version=_COUNT,
    cells=_several(_CELLS),
    pools=_several(_POOLS),
)
WORDS = st.builds(
    NovaWord,
    taken_at=st.just(NOW),
    nova_version=_STRING,
    answers=_several(_ANSWERS),
    servers=_several(_SERVERS),
    hosts=_several(_HOSTS),
    filters=_several(_STRING),
    options=_TAGS,
    corrections=_several(_STRING),
    not_covered=_several(_STRING),
    omissions=_several(st.builds(Omission, subject=_STRING, reason=_STRING)),
)
