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

"""Makes a process one that runs nova's code and changes nothing; not what it asks then."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from vfio_lm.inside_nova import databases, known
from vfio_lm.inside_nova.corrections import CORRECTIONS, TrialResult
from vfio_lm.inside_nova.dry_run import DryRun
from vfio_lm.inside_nova.errors import InsideNovaError
from vfio_lm.inside_nova.guard import Guard
from vfio_lm.inside_nova.outage import outage
from vfio_lm.pci.conf_text import refuse_unreadable
from vfio_lm.pci.program_conf import program_configured
from vfio_lm.quoting import refusal_of_value

#: Seconds in which a database server has to take a connection.
_CONNECT_TIMEOUT = 5


@dataclasses.dataclass(frozen=True)
class Place:
    """Where nova's configuration is.

    :ivar config_files: None are nova's own: ``/etc/nova/nova.conf`` and others.
    :ivar has_own_database_user: whether the databases of the cells are opened with the user and
        password of ``[api_database]connection``, whatever the cell mapping says.
    :ivar corrections: names of the corrections that every nova-compute runs with
    """

    config_files: Sequence[str] = ()
    config_dirs: Sequence[str] = ()
    has_own_database_user: bool = False
    corrections: Sequence[str] = ()


def start(place: Place) -> Guard:
    """Read nova's configuration, and let nothing of this process write from now on.

    :raises VfioLmError: if nova, its configuration or its databases are not there, or not what they
        have to be
    """
    # What libraries log or warn of goes nowhere: the answer is all that is printed.
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    _choose_threads()
    guard = Guard()
    guard.install()
    _configure(place)
    from nova import objects

    objects.register_all()
    guard.guard_objects()
    # oslo.db and others turn warnings on again as they are imported.
    warnings.simplefilter("ignore")
    known.check()
    _correct(place.corrections)
    databases.check()
    return guard


def dry_run(guard: Guard, is_time_over: Callable[[], bool]) -> DryRun:
    """Make nova's scheduler and the clients that it needs.

    :raises InsideNovaError: if there is a filter that is not installed here, a table that may not
        be read, or whatever else nova's scheduler would not start with
    """
    try:
        return DryRun(guard, is_time_over)
    except Exception as exc:
        why = outage(exc) or f"{type(exc).__name__}: {databases.reason(exc)}"
        raise InsideNovaError(f"nova-scheduler would not start here: {why}") from exc


def _choose_threads() -> None:
    """Choose native threads, before anything else of nova is imported.

    Importing the module is all in nova 31; 32 has a function for it, and 33 takes the
    default as an argument.
    """
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "true"
    try:
        from nova import monkey_patch
    except ModuleNotFoundError as exc:
        if exc.name != "nova":
            raise
        raise InsideNovaError(
            f"{sys.executable} has no nova: install vfio-lm where nova is"
        ) from None
    if hasattr(monkey_patch, "patch"):
        monkey_patch.patch()


def _configure(place: Place) -> None:
    import nova.conf
    from nova import config
    from nova.db.api import api as api_database
    from nova.db.main import api as main_database
    from oslo_config import cfg
    from oslo_messaging import opts

    files = (*place.config_files, *place.config_dirs)
    for name in files:
        refuse_unreadable(name)
    arguments = ["vfio-lm-nova"]
    for name in place.config_files:
        arguments += ["--config-file", name]
    for name in place.config_dirs:
        arguments += ["--config-dir", name]
    try:
        with program_configured(files):
            config.parse_args(arguments, configure_db=False, init_rpc=False)
    except cfg.Error as exc:
        raise InsideNovaError(
            f"nova's configuration cannot be read: {_one_line(refusal_of_value(exc))}"
        ) from None
    conf = nova.conf.CONF
    # A cell mapping may be a template that takes parts of transport_url.
    for group, options in opts.list_opts():
        if group is None:
            conf.register_opts(options)
    if not conf.api_database.connection:
        where = ", ".join(conf.config_file or ()) or "nova.conf"
        raise InsideNovaError(
            f"{where}: [api_database]connection is not set: name the nova.conf of a controller "
            f"with --config-file"
        )
    for group in ("api_database", "database"):
        databases.refuse_address(group, conf[group].connection)
        _fail_soon(conf, group)
    # What is on a host is asked of the database, not of what a scheduler heard from the host.
    conf.set_override("track_instance_changes", False, "filter_scheduler")
    if place.has_own_database_user:
        databases.use_user_of(conf.api_database.connection)
    main_database.configure(conf)
    api_database.configure(conf)


def _correct(names: Sequence[str]) -> None:
    """Correct the functions that the dry run calls as every nova-compute has them corrected."""
    if names:
        # With all that a claim calls.
        importlib.import_module("nova.compute.manager")
    for each in CORRECTIONS:
        module = sys.modules.get(each.module)
        if each.name not in names or module is None:
            continue
        if each.apply(module) is TrialResult.UNKNOWN:
            raise InsideNovaError(f"the correction {each.name} does not know this nova")


def _fail_soon(conf: Any, group: str) -> None:
    """Let a database that does not answer be an error at once, instead of after minutes."""
    conf.set_override("max_retries", 1, group)
    conf.set_override("retry_interval", 0, group)
    options = conf[group]
    if not options.connection or options.connection.startswith("sqlite"):
        return
    if "connect_timeout" not in f"{options.connection} {options.connection_parameters}":
        parameters = [options.connection_parameters, f"connect_timeout={_CONNECT_TIMEOUT}"]
        conf.set_override("connection_parameters", "&".join(filter(None, parameters)), group)


def _one_line(text: str) -> str:
    return " ".join(text.split())
