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

"""What differs between the releases of nova that a cloud can run; everything else is alike.

nova 31 (2025.1) to 34 (2026.2). Nothing of nova is imported before its threads are chosen.
"""

from __future__ import annotations

import contextvars
import functools
import importlib.metadata
import os
from typing import Any

#: The first nova whose nova-compute is made for native threads.
FIRST_WITH_NATIVE_COMPUTES = 34


def major() -> int:
    """Give the first number of the version of the nova that is installed."""
    return int(importlib.metadata.version("nova").partition(".")[0])


def choose_threads() -> None:
    """Choose native threads, or eventlet's where nova-compute needs them.

    What everything else of nova finds settled when it is imported. In nova 31 importing the
    module is all, 32 has a function for it, 33 wants to hear which kind is to be the default.
    """
    is_native = major() >= FIRST_WITH_NATIVE_COMPUTES
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "true" if is_native else "false"
    from nova import monkey_patch

    if hasattr(monkey_patch, "patch"):
        monkey_patch.patch()
    if not is_native:
        _hand_context_on_to_green_threads()


def _hand_context_on_to_green_threads() -> None:
    """Start each green thread in a copy of the context variables of who starts it.

    A greenlet begins with none (greenlet 3, ``gr_context``). eventlet makes them in two
    places, of which the other one is for those whose result is not waited for.
    """
    import eventlet
    import eventlet.greenthread

    thread_class: Any = eventlet.greenthread.GreenThread
    original_init = thread_class.__init__
    original_spawn_n = eventlet.greenthread.spawn_n

    @functools.wraps(original_init)
    def init(self: Any, parent: Any) -> None:
        original_init(self, parent)
        self.gr_context = contextvars.copy_context()

    @functools.wraps(original_spawn_n)
    def spawn_n(function: Any, *args: Any, **kwargs: Any) -> Any:
        return original_spawn_n(contextvars.copy_context().run, function, *args, **kwargs)

    thread_class.__init__ = init
    eventlet.spawn_n = eventlet.greenthread.spawn_n = spawn_n


def thread_pools() -> tuple[type, ...]:
    """Give the classes of the pools that nova hands work to."""
    import futurist

    if major() >= FIRST_WITH_NATIVE_COMPUTES:
        return (futurist.ThreadPoolExecutor,)
    return (futurist.ThreadPoolExecutor, futurist.GreenThreadPoolExecutor)


def create_compute(host: str) -> Any:
    """Make the service of a nova-compute; it is not started.

    From nova 34 on it answers a second topic too, while it shuts down.
    """
    from nova import service
    from nova.compute import rpcapi

    topics = {"topic": rpcapi.RPC_TOPIC}
    if hasattr(rpcapi, "RPC_TOPIC_ALT"):
        topics["topic_alt"] = rpcapi.RPC_TOPIC_ALT
    return service.Service.create(host=host, binary="nova-compute", **topics)


def rpc_servers(service: Any) -> list[Any]:
    """Give the RPC servers of a nova-compute that runs."""
    names = ("rpcserver", "rpcserver_alt")
    return [getattr(service, name) for name in names if hasattr(service, name)]
