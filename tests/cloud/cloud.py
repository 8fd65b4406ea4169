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

"""The embedded cloud as tests and the command line see it; the services are elsewhere."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cloud import configs, environments, filler, image, networks, nova_filler, operations
from tests.cloud.control import Control
from tests.cloud.errors import CloudError
from tests.cloud.lifetime import Lifetime
from tests.cloud.processes import Processes, listening_sockets, tail
from tests.cloud.rest import Rest
from tests.cloud.settings import CONTROLS, LISTENERS, Settings
from tests.cloud.spec import CloudSpec, HostSpec, to_json
from vfio_lm.pci.release import NovaRelease

if TYPE_CHECKING:
    from openstack.connection import Connection

#: seconds, also on a machine that is busy with other things
START_TIMEOUT = 600.0
DEFAULT_CLOUD = "embedded"


class Cloud(Lifetime):
    """Real keystone, placement, glance and nova on loopback, with fake hypervisors.

    :param spec: what the cloud should look like; three hosts by default.
    :param directory: where its files are, until it is stopped; must be empty or not
        exist. None: a temporary directory.
    :param release: of nova; keystone, placement and glance stay those of the tests. One that
        has not run before is installed first.
    :param start_timeout: how long the services may take to start, in seconds.
    """

    def __init__(
        self,
        spec: CloudSpec | None = None,
        directory: Path | str | None = None,
        *,
        release: NovaRelease = environments.CURRENT,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        self._spec = (spec or CloudSpec()).with_buses()
        self._directory = Path(directory).absolute() if directory is not None else None
        self._release = release
        self._start_timeout = start_timeout
        self._attached: tuple[Settings, Processes, Rest] | None = None

    @classmethod
    def attach(cls, directory: Path | str) -> Cloud:
        """Take over a cloud that somebody else started in a directory.

        :raises CloudError: if there is none.
        """
        path = Path(directory).absolute()
        try:
            settings = Settings.load(path)
        except FileNotFoundError:
            raise CloudError(f"there is no embedded cloud in {path}") from None
        cloud = cls(settings.spec, path)
        cloud._attach(settings, Processes.load(settings))
        return cloud

    def start(self, *, detached: bool = False) -> None:
        """Start all services; what has started is taken down again if one does not.

        :param detached: whether the services outlive this process.
        :raises CloudError: with the name of the service and the end of its log.
        """
        if self._attached is not None:
            raise CloudError(f"the cloud in {self.directory} is started already")
        directory = self._make_directory()
        try:
            self._start_in(directory, detached)
        except BaseException:
            self._take_down(directory)
            raise

    def stop(self) -> None:
        """End all services and remove all files; also of a cloud that is half gone."""
        if self._attached is not None:
            self._take_down(self.directory)

    @property
    def directory(self) -> Path:
        """The directory of the cloud's files."""
        return self._settings.directory

    @property
    def clouds_yaml(self) -> Path:
        """The clouds.yaml: ``embedded``, ``embedded-demo`` and ``embedded-reader``."""
        return self._settings.clouds_yaml

    @property
    def urls(self) -> Mapping[str, str]:
        """The URL of each service, by its name."""
        return {name: self._settings.url(name) for name in LISTENERS if name not in CONTROLS}

    def environ(self, cloud: str = DEFAULT_CLOUD) -> dict[str, str]:
        """Give the environment variables that make a client use the cloud."""
        return {"OS_CLIENT_CONFIG_FILE": str(self.clouds_yaml), "OS_CLOUD": cloud}

    def nova_conf(self, host: str | None = None) -> Path:
        """Name the nova.conf of a compute host, or of the API and the scheduler (None)."""
        return self._settings.nova_conf(host)

    def connection(self, name: str = DEFAULT_CLOUD) -> Connection:
        """Connect as one of the users of clouds.yaml."""
        import openstack.config
        import openstack.connection

        region = openstack.config.OpenStackConfig(
            config_files=[str(self.clouds_yaml)], load_envvars=False
        ).get_one(cloud=name)
        return openstack.connection.Connection(config=region)

    def logs(self, service: str, lines: int = 200) -> str:
        """Give the end of a service's log."""
        return tail(self._settings.log(service), lines)

    def services(self) -> Mapping[str, bool]:
        """Say of each service whether its process runs."""
        return self._parts[1].running()

    @contextlib.contextmanager
    def silenced(self, service: str) -> Iterator[None]:
        """Let a service take requests and answer none, as one that hangs does."""
        self._parts[1].send(service, signal.SIGSTOP)
        try:
            yield
        finally:
            self._parts[1].send(service, signal.SIGCONT)

    def memory_mb(self, service: str) -> float:
        """Give the resident memory of a service in MiB."""
        return self._parts[1].memory_mb(service)

    def hosts(self) -> Mapping[str, bool]:
        """Say of each compute host whether its nova-compute runs."""
        result: Mapping[str, bool] = self._control.run("hosts")
        return result

    def add_host(self, host: HostSpec) -> None:
        """Add a compute host; it is up when this returns.

        :raises CloudError: if its nova-compute does not start; then there is no such host.
        """
        if host.name in self.hosts():
            raise CloudError(f"the cloud has a host {host.name} already")
        try:
            self.start_network_agents(host)
            self._control.run("add-host", host=to_json(host))
        except CloudError:
            operations.delete_host_if_known(self._rest, host.name)
            self._forget_host(host.name)
            raise

    def remove_host(self, name: str) -> None:
        """Remove a compute host with its service and its providers.

        :raises CloudError: if a server is still on it; then it is up as before.
        """
        self._control.run("stop-host", name=name)
        try:
            operations.delete_host(self._rest, name)
        except CloudError as error:
            self._control.run("start-host", name=name)
            raise CloudError(f"the host {name} cannot be removed: {error}") from error
        self._forget_host(name)

    def stop_host(self, name: str) -> None:
        """Silence the nova-compute of a host; it is down when this returns."""
        self._control.run("stop-host", name=name)

    def start_host(self, name: str) -> None:
        """Start a host that was stopped; it is up, with its guests, when this returns."""
        self._control.run("start-host", name=name)

    def restart_host(self, name: str, spec: HostSpec | None = None) -> None:
        """Restart a nova-compute, perhaps with other devices or options.

        A host whose nova-compute refuses to start stays stopped, and keeps the new
        specification.
        """
        self._control.run("restart-host", name=name, host=to_json(spec) if spec else None)

    def start_network_agents(self, host: HostSpec, agent_type: str | None = None) -> None:
        """Start the neutron agents of a host, perhaps with other physical networks.

        :param agent_type: as neutron has it, ``NIC Switch agent``; None: of every type.
        """
        if self._settings.spec.neutron:
            self._agents.run("start", host=to_json(host), agent_type=agent_type)

    def stop_network_agents(self, name: str, agent_type: str | None = None) -> None:
        """Silence the neutron agents of a host; they are dead when this returns."""
        self._agents.run("stop", name=name, agent_type=agent_type)

    def disable_host(self, name: str, reason: str | None = None) -> None:
        """Disable the compute service of a host through the API."""
        operations.set_enabled(self._rest, name, False, reason)

    def enable_host(self, name: str) -> None:
        """Enable the compute service of a host through the API."""
        operations.set_enabled(self._rest, name, True)

    def set_aliases(self, aliases: list[dict[str, Any]]) -> None:
        """Change ``[pci]alias`` of every nova.conf, from the next request on.

        :raises CloudError: if nova refuses them; then the old ones stay.
        """
        self._control.run("set-aliases", aliases=list(aliases))

    def set_pci_in_placement(self, value: bool) -> None:
        """Change ``[filter_scheduler]pci_in_placement``, from the next request on.

        Hosts go on reporting their devices, or not, as they did.
        """
        self._control.run("set-pci-in-placement", value=value)

    def update_resources(self, host: str | None = None) -> None:
        """Run nova's periodic update of a host now (None: of every host that runs).

        nova forgets what it knows of its providers, so traits are written again.
        """
        self._control.run("update-resources", name=host)

    def guest_xml(self, server_id: str, host: str | None = None) -> str:
        """Give the domain XML of a server from a hypervisor.

        :param host: where to look; None: on the host that nova says.
        :raises CloudError: if there is no guest of this server.
        """
        xml: str = self._control.run("guest-xml", server_id=server_id, host=host)
        return xml

    def fail_next_migration(
        self,
        message: str = "operation failed: migration out job: VFIO device state transfer failed",
        times: int = 1,
    ) -> None:
        """Let the next live migrations end in a libvirt error with this message."""
        self._control.run("fail-migrations", message=message, times=times)

    def leave_out_extensions(self, *aliases: str) -> None:
        """Let nova's double of neutron have all its extensions but these, from now on."""
        self._control.run("leave-out-extensions", aliases=list(aliases))

    def reset(self) -> None:
        """Bring the cloud back to how a test expects it.

        All servers, flavors, server groups and aggregates are deleted, all hosts run
        and are enabled, no migration is set to fail, neutron has all its extensions, and
        every host updates its resources. Hosts, aliases and other options stay as they are.
        """
        self.clear()
        self.update_resources()

    def clear(self) -> None:
        """Do what :meth:`reset` does without an update of all hosts.

        What others wrote into the providers of hosts stays there.
        """
        for name, is_running in self.hosts().items():
            if not is_running:
                self.start_host(name)
        self.fail_next_migration(times=0)
        if not self._settings.spec.neutron:
            self.leave_out_extensions()
        operations.clear(self._rest)
        if self._settings.spec.neutron:
            networks.clear(self._rest)
        self.forget_moves()

    def forget_moves(self) -> None:
        """Let nova learn now what it learns late of servers that were live migrated.

        When a server is deleted where it arrived by a live migration, nova frees its PCI
        devices in the next periodic update only (``ResourceTracker._update_usage_from_instance``).
        And the host that a server leaves reports it to the scheduler as there, which counts for
        server groups until ``scheduler_instance_sync_interval`` is over
        (``ComputeManager._post_live_migration``, nova 34.0.0).
        """
        self._control.run("forget-moves")

    def sync_scheduler(self) -> None:
        """Let the scheduler learn now which servers are on each host.

        It hears of a resize's source when ``scheduler_instance_sync_interval`` is over only.
        """
        self._control.run("sync-scheduler")

    def fill_placement(
        self,
        hosts: int = 500,
        pfs: int = 4,
        vfs: int = 8,
        pci_traits: Sequence[str] = filler.PCI_TRAITS,
    ) -> None:
        """Add many providers to placement that no nova-compute stands behind.

        :param pfs: PCI providers under each root provider.
        :param vfs: inventory of each PCI provider.
        :param pci_traits: traits of each PCI provider.
        """
        filler.fill(
            self._settings, self._rest, hosts=hosts, pfs=pfs, vfs=vfs, pci_traits=pci_traits
        )

    def fill_nova(self, host: str, examples: Sequence[str], servers: int) -> None:
        """Add servers, and the hosts that placement was filled with, without anything behind them.

        Such a cloud cannot be reset. The hosts are down after ``service_down_time``.

        :param host: a host that the others are made of.
        :param examples: IDs of servers on it that the others are made of.
        """
        nova_filler.fill(self._settings, host, examples, servers)

    def empty_placement_filler(self) -> None:
        """Remove what :meth:`fill_placement` added."""
        filler.empty(self._settings)

    def _make_directory(self) -> Path:
        if self._directory is None:
            return Path(tempfile.mkdtemp(prefix="embedded-cloud-"))
        directory = self._directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise CloudError(f"{directory} is not empty; take a cloud in it down first")
        return directory

    def _start_in(self, directory: Path, detached: bool) -> None:
        nova_python = environments.python(self._release)
        deadline = time.monotonic() + self._start_timeout
        with listening_sockets() as sockets:
            settings = Settings(
                directory=directory,
                spec=self._spec,
                ports={name: each.getsockname()[1] for name, each in sockets.items()},
                sockets={name: each.fileno() for name, each in sockets.items()},
                control_key=secrets.token_hex(),
                is_detached=detached,
                nova_python=nova_python,
            )
            configs.write_all(settings)
            settings.save()
            processes = Processes(settings, {})
            self._attach(settings, processes)
            processes.start()
        for service in ("keystone", "glance"):
            processes.wait_ready(service, deadline)
        image.upload(self._rest)
        for service in ("placement", "nova"):
            processes.wait_ready(service, deadline)
        if settings.spec.neutron:
            processes.wait_ready("neutron", deadline)
            networks.create(self._rest)

    def _forget_host(self, name: str) -> None:
        self._control.run("forget-host", name=name)
        if self._settings.spec.neutron:
            self._agents.run("forget", name=name)

    def _attach(self, settings: Settings, processes: Processes) -> None:
        self._attached = (settings, processes, Rest(settings))

    def _take_down(self, directory: Path) -> None:
        if self._attached is not None:
            self._parts[1].stop()
            self._attached = None
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(directory)

    @property
    def _parts(self) -> tuple[Settings, Processes, Rest]:
        if self._attached is None:
            raise CloudError("the cloud is not started")
        return self._attached

    @property
    def _settings(self) -> Settings:
        return self._parts[0]

    @property
    def _control(self) -> Control:
        return Control(*self._parts[:2], service="nova", listener="control")

    @property
    def _agents(self) -> Control:
        return Control(*self._parts[:2], service="neutron", listener="agents")

    @property
    def _rest(self) -> Rest:
        return self._parts[2]
