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

"""Nova's conductor in a live migration, without what it writes: its checks, in its order."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

from vfio_lm.inside_nova.destination import DestinationCompute
from vfio_lm.inside_nova.fingerprint import undecorated
from vfio_lm.pci.nova_word import Decider, Ending, Objection

_UNMAPPED = (
    "nova would leave {} in the guest's definition: the device's request ID is not that of any "
    "PCI request that is stored for the server"
)


@dataclasses.dataclass(frozen=True)
class Examined:
    """What conductor and nova-compute say about one allocation candidate of a host.

    :ivar ends_search: whether conductor asks no other host then
    """

    ending: Ending
    ends_search: bool
    objection: Objection | None
    cells: tuple[int, ...]
    notes: tuple[str, ...]


class Conducting:
    """Conductor's part in the live migration of one server."""

    def __init__(
        self, context: Any, instance: Any, spec: Any, clients: Any, refused: tuple[type, ...]
    ) -> None:
        """Prepare the task that conductor would run.

        :param spec: the server's request specification, with the destination if one is named
        :param refused: the exceptions after which the server stays as it is
        """
        from nova import objects
        from oslo_utils import uuidutils

        self._context = context
        self._instance = instance
        self._clients = clients
        self._refused = refused
        self._class = _task_class()
        self._migration = objects.Migration(
            context=context,
            id=0,
            uuid=uuidutils.generate_uuid(),
            status="accepted",
            migration_type="live-migration",
            source_compute=instance.host,
            instance_uuid=instance.uuid,
        )
        self._spec = spec

    def check_server(self) -> None:
        """Run the checks that come before any host is chosen."""
        task = self._task(self._instance, None, None)
        task._check_instance_is_active()
        task._check_instance_has_no_numa()
        task._check_host_is_up(task.source)

    def request(self) -> Any:
        """Return the request that the scheduler gets."""
        from nova.conductor.tasks import live_migrate

        task = self._task(self._instance, None, None)
        prepare = live_migrate.LiveMigrationTask._get_request_spec_for_select_destinations
        self._prepared = prepare(task, [task.source])
        request = self._prepared.obj_clone()
        request.ignore_hosts = [task.source]
        return request

    def examine(self, state: Any, candidate: Mapping[str, Any], version: Any) -> Examined:
        """Let conductor and the destination's nova-compute check one allocation candidate."""
        from nova import exception, objects

        selection = objects.Selection.from_host_state(state, candidate, version)
        compute = DestinationCompute(state.nodename, self._clients.report, self._clients.network)
        task = self._task(self._instance.obj_clone(), compute, _Chosen(selection))
        task.prepared = self._prepared
        try:
            task._find_destination()
        except _NextHostError:
            return self._examined(Ending.REFUSED, False, task.objection, compute)
        except Exception as exc:
            if not isinstance(exc, exception.NovaException):
                # Nova's own code may fail like that, and a stand-in for what it asks as well.
                raise
            return self._examined(self.ending(exc), True, exc, compute)
        if compute.unmapped:
            # Nova raises nothing: it does not look.
            said = Objection(Decider.COMPUTE, _UNMAPPED.format(", ".join(compute.unmapped)))
            return Examined(Ending.MISMAPPED, True, said, compute.cells, tuple(compute.notes))
        return self._examined(Ending.ACCEPTED, True, None, compute)

    def ending(self, error: Exception) -> Ending:
        """Say what becomes of the server after an exception of conductor's task."""
        return Ending.REFUSED if isinstance(error, self._refused) else Ending.ERROR

    def _examined(
        self, ending: Ending, ends_search: bool, error: Exception | None, compute: Any
    ) -> Examined:
        objection = None
        if error is not None:
            decider = Decider.COMPUTE if error is compute.error else Decider.CONDUCTOR
            objection = objection_of(error, decider)
        return Examined(ending, ends_search, objection, compute.cells, tuple(compute.notes))

    def _task(self, instance: Any, compute: Any, scheduler: Any) -> Any:
        task = self._class(
            self._context,
            instance,
            None,
            None,
            None,
            self._migration,
            compute,
            self._clients.servicegroup,
            scheduler,
            self._clients.report,
            self._spec,
        )
        # This one remembers neutron's extensions.
        task.network_api = self._clients.network
        return task


def objection_of(error: Exception, decider: Decider, log: tuple[str, ...] = ()) -> Objection:
    """Return what an exception of nova's says."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return Objection(decider, " ".join(text.split()), type(error).__name__, log)


def refused_exceptions() -> tuple[type, ...]:
    """Return the exceptions after which conductor leaves a server as it is.

    They are the first ``except`` of ``ComputeTaskManager._live_migrate``; after any other one
    conductor puts the server into ERROR.
    """
    from nova.conductor import manager

    function = undecorated(manager.ComputeTaskManager._live_migrate, "_live_migrate")
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (attempt,) = (node for node in ast.walk(tree) if isinstance(node, ast.Try))
    first = attempt.handlers[0].type
    if not isinstance(first, ast.Tuple):
        raise TypeError("ComputeTaskManager._live_migrate catches no tuple of exceptions")
    names = [each.attr for each in first.elts if isinstance(each, ast.Attribute)]
    return tuple(getattr(manager.exception, name) for name in names)


class _NextHostError(Exception):
    """Conductor would now ask the scheduler for another host."""


class _Chosen:
    """Stands for the scheduler: it has chosen already."""

    def __init__(self, selection: Any) -> None:
        self._selection = selection

    def select_destinations(self, *args: Any, **kwargs: Any) -> list[list[Any]]:
        return [[self._selection]]


def _task_class() -> type[Any]:
    from nova.conductor.tasks import live_migrate

    class Task(live_migrate.LiveMigrationTask):  # type: ignore[misc]
        """Leaves out what would be written, and remembers why a host was passed over."""

        objection: Exception | None = None
        prepared: Any = None

        def _get_request_spec_for_select_destinations(self, attempted_hosts: Any = None) -> Any:
            return self.prepared.obj_clone()

        def _check_not_over_max_retries(self, attempted_hosts: list[str]) -> None:
            if len(attempted_hosts) > 1:
                raise _NextHostError

        def _check_compatible_with_source_hypervisor(self, destination: str) -> Any:
            return self._noting(super()._check_compatible_with_source_hypervisor, destination)

        def _call_livem_checks_on_host(self, destination: str, provider_mapping: Any) -> None:
            self._noting(super()._call_livem_checks_on_host, destination, provider_mapping)

        def _noting(self, check: Any, *args: Any) -> Any:
            try:
                return check(*args)
            except Exception as exc:
                self.objection = exc
                raise

        def _remove_host_allocations(self, compute_node_uuid: str) -> None: ...

        def _bind_ports_on_destination(self, destination: str, provider_mappings: Any) -> Any:
            return {}

        def _update_migrate_vifs_from_bindings(self, migrate_vifs: Any, bindings: Any) -> None: ...

    return Task
