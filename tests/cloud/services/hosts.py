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

"""Which compute host a thread works for, when all computes share one process.

Not what a host does. nova reads one global configuration (``nova.conf.CONF``) and
identifies the local node once for each process. Here the options that differ between hosts
depend on the current host instead, which threads and thread pools hand on to what they
start. nova 34.0.0.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nova.conf
import nova.conf.pci
from nova.virt import node
from oslo_config import cfg

from tests.cloud.services import release

#: an option's group (None: DEFAULT) and name
OptionKey = tuple[str | None, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A compute host as the code that works for it sees it.

    :ivar options: the values of its nova.conf that differ from the controller's.
    :ivar connection: its libvirt connection.
    """

    name: str
    options: Mapping[OptionKey, Any]
    connection: Any

    @property
    def node_uuid(self) -> str:
        """The identity of the compute node, which a real host keeps in a file."""
        uuid: str = self.connection.node_uuid
        return uuid


_current: contextvars.ContextVar[Host | None] = contextvars.ContextVar("host", default=None)


def current() -> Host:
    """Give the host that the calling thread works for.

    :raises LookupError: if it works for none.
    """
    host = _current.get()
    if host is None:
        raise LookupError("this thread works for no compute host")
    return host


@contextlib.contextmanager
def working_for(host: Host) -> Iterator[None]:
    """Let the calling thread, and all that it starts meanwhile, work for a host."""
    token = _current.set(host)
    try:
        yield
    finally:
        _current.reset(token)


def options_of(name: str, path: Path) -> Mapping[OptionKey, Any]:
    """Read from the nova.conf of a host what may differ between hosts."""
    conf = cfg.ConfigOpts()
    nova.conf.pci.register_opts(conf)
    conf.register_opt(cfg.StrOpt("instances_path"))
    conf(["--config-file", str(path)], project="nova")
    return {
        (None, "host"): name,
        (None, "instances_path"): conf.instances_path,
        ("pci", "device_spec"): conf.pci.device_spec,
        ("pci", "report_in_placement"): conf.pci.report_in_placement,
    }


def install() -> None:
    """Make nova in this process look at the current host."""
    _look_up_options_of_host()
    _hand_on_to_threads()
    node.get_local_node_uuid = node.read_local_node_uuid = lambda: current().node_uuid


def _look_up_options_of_host() -> None:
    config_class: Any = cfg.ConfigOpts
    original = config_class._get

    @functools.wraps(original)
    def get(self: Any, name: str, group: Any = None, namespace: Any = None) -> Any:
        host = _current.get()
        if host is not None and self is nova.conf.CONF:
            key = (getattr(group, "name", group), name)
            if key in host.options:
                return host.options[key]
        return original(self, name, group, namespace)

    config_class._get = get


def _hand_on_to_threads() -> None:
    thread_class: Any = threading.Thread
    original_start = thread_class.start

    @functools.wraps(original_start)
    def start(self: Any) -> None:
        self.run = functools.partial(contextvars.copy_context().run, self.run)
        original_start(self)

    thread_class.start = start
    for pool_class in release.thread_pools():
        _hand_on_to_workers(pool_class)


def _hand_on_to_workers(pool_class: Any) -> None:
    original_submit = pool_class.submit

    @functools.wraps(original_submit)
    def submit(self: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        context = contextvars.copy_context()
        return original_submit(self, context.run, function, *args, **kwargs)

    pool_class.submit = submit
