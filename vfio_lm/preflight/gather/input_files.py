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

"""What a preflight is told beyond the APIs, read from files; which files is for others to say."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping, Sequence

from vfio_lm.errors import ConfigError
from vfio_lm.pci import NovaConf, read_nova_conf
from vfio_lm.pci.host_facts import HostFacts, read_host_facts
from vfio_lm.pci.host_folder import facts_files
from vfio_lm.pci.nova_conf import last_changed
from vfio_lm.preflight.inputs import DEFAULT_MAX_AGE, HostKnowledge, Inputs


def read_inputs(
    api_conf: Sequence[str] = (),
    host_confs: Mapping[str, Sequence[str]] | None = None,
    host_facts: Iterable[str] = (),
    *,
    max_age: datetime.timedelta = DEFAULT_MAX_AGE,
) -> Inputs:
    """Return what files say now.

    :param api_conf: nova.conf of nova-api and nova-scheduler: files, and folders of such files,
        that are read as one configuration; none: what aliases mean is not known
    :param host_confs: the same of the nova-compute of hosts, by host
    :param host_facts: host facts files, and folders of such files with names that end in
        ``.json``; of two files of one host the younger one counts
    :param max_age: older host facts make a warning
    :raises vfio_lm.errors.ConfigError: if a nova.conf or a folder cannot be read, nova would refuse
        a nova.conf, or it is another host's
    :raises vfio_lm.pci.host_facts.HostFactsError: if a file is no host facts file
    """
    by_host = host_confs or {}
    facts = _facts_files(host_facts)
    conf = read_nova_conf(api_conf) if api_conf else None
    return Inputs(
        now=datetime.datetime.now(datetime.UTC),
        aliases=conf.aliases if conf else None,
        pci_in_placement=conf.pci_in_placement if conf else None,
        skips_version_check=conf.skips_version_check if conf else None,
        aliases_changed_at=last_changed(api_conf) if conf else None,
        hosts=_hosts(by_host, facts),
        max_age=max_age,
        files=(*api_conf, *(path for paths in by_host.values() for path in paths), *facts),
    )


def _hosts(
    conf_paths: Mapping[str, Sequence[str]], facts_paths: Iterable[str]
) -> Mapping[str, HostKnowledge]:
    confs = {host: _conf_of(host, paths) for host, paths in conf_paths.items()}
    facts: dict[str, HostFacts] = {}
    for path in facts_paths:
        found = read_host_facts(path)
        known = facts.get(found.host)
        if known is None or known.taken_at < found.taken_at:
            facts[found.host] = found
    return {
        host: HostKnowledge(conf=confs.get(host), facts=facts.get(host))
        for host in sorted(confs.keys() | facts.keys())
    }


def _conf_of(host: str, paths: Sequence[str]) -> NovaConf:
    conf = read_nova_conf(paths)
    if conf.host not in (None, host):
        raise ConfigError(
            ", ".join(conf.sources),
            "[DEFAULT]host",
            str(conf.host),
            f"this is not the nova.conf of host {host}",
        )
    return conf


def _facts_files(paths: Iterable[str]) -> list[str]:
    files: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            files += (file for of_host in facts_files(path).values() for file in of_host)
        else:
            files.append(path)
    return files
