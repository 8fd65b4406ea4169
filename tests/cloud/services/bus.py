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

"""The message bus of a cloud: oslo.messaging's ``fake://`` driver, without its polling."""

from __future__ import annotations

import threading
import time
from typing import Any

from oslo_messaging._drivers import base, impl_fake
from oslo_serialization import jsonutils

#: the longest a listener waits before it looks again, in seconds
LONGEST_WAIT = 0.5


def install(*, as_json: bool = False) -> None:
    """Wake listeners when a message arrives, or when they should stop.

    :param as_json: whether a message arrives as it does over a wire, a tuple as a list.

    The driver polls twenty times a second (oslo.messaging 18.3), in two threads for
    each compute: that is a load of its own, and up to 50 ms for each message, of which
    a live migration takes dozens.
    """
    changed = threading.Condition()
    deliveries = [0]
    original = impl_fake.FakeExchange.deliver_message

    def deliver_message(
        self: Any, topic: str, context: Any, message: Any, *args: Any, **kwargs: Any
    ) -> None:
        if as_json:
            message = jsonutils.loads(jsonutils.dumps(message))
        original(self, topic, context, message, *args, **kwargs)
        with changed:
            deliveries[0] += 1
            changed.notify_all()

    def stop(self: Any) -> None:
        self._stopped.set()
        with changed:
            changed.notify_all()

    @base.batch_poll_helper  # type: ignore[untyped-decorator]
    def poll(self: Any, timeout: float | None = None) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._stopped.is_set():
            with changed:
                seen = deliveries[0]
            message = _next_message(self)
            if message is not None:
                return message
            left = LONGEST_WAIT if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            with changed:
                if deliveries[0] == seen and not self._stopped.is_set():
                    changed.wait(min(left, LONGEST_WAIT))
        return None

    impl_fake.FakeExchange.deliver_message = deliver_message
    impl_fake.FakeListener.poll = poll
    impl_fake.FakeListener.stop = stop


def _next_message(listener: Any) -> Any:
    for target in listener._targets:
        exchange = listener._exchange_manager.get_exchange(target.exchange)
        context, message, reply_queue, requeue = exchange.poll(target, listener._pool)
        if message is not None:
            return impl_fake.FakeIncomingMessage(context, message, reply_queue, requeue)
    return None
