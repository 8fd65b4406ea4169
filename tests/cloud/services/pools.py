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

"""Thread pools that end on request; not what runs in them."""

from __future__ import annotations

from typing import Any

import futurist
from futurist import _thread, _utils


def install() -> None:
    """Wake the idle threads of a pool that shuts down.

    They look once a second whether their pool is over (futurist 3.5, ``ThreadWorker``), and who
    stops a nova-compute waits for them, for one pool after the other.
    """
    original = _thread.ThreadWorker.stop

    def stop(self: Any) -> None:
        original(self)
        # one for each thread, whichever of them takes it
        self.work_queue.put(_utils.WorkItem(futurist.Future(), lambda: None))

    _thread.ThreadWorker.stop = stop
