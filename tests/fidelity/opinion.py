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

"""What is said about a server before nova is asked: by the preflight, and by nova's own code."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cloud import environments
from tests.fidelity.judgement import Informed, Subject
from tests.fidelity.stage import Staged
from tests.functional.dry_running import NovaProcess
from tests.functional.host_knowledge import ABLE, knowledge
from vfio_lm.pci.nova_word import Ending, NovaAnswer, NovaDestination, NovaWord
from vfio_lm.pci.release import NovaRelease
from vfio_lm.preflight import Host, Inputs, Report, Status, Verdict, check_with
from vfio_lm.preflight.gather.input_files import read_inputs
from vfio_lm.preflight.nova_says import GivenWord

_VERDICTS = {
    Ending.ACCEPTED: Verdict.READY,
    Ending.REFUSED: Verdict.BLOCKED,
    Ending.ERROR: Verdict.BLOCKED,
    Ending.MISMAPPED: Verdict.BLOCKED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict that nova can contradict.

    :ivar host: the destination that it is about; None: nova chooses.
    :ivar asks_for: the host that the request to nova names; None: none. ``migration start`` and the
        others name one by themselves where nova may choose a host that is not ready.
    :ivar hosts: where the server may go, if it goes; None: anywhere.
    :ivar is_warned: whether nova may leave the server in ERROR where the verdict is unknown.
    :ivar unknown: what made the verdict unknown.
    :ivar failed: what made the verdict blocked.
    """

    informed: Informed
    subject: Subject
    host: str | None
    verdict: Verdict
    hosts: frozenset[str] | None
    asks_for: str | None = None
    is_warned: bool = False
    unknown: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class NovasWord:
    """The vfio-lm-nova of one cloud, started again when its nova.conf has changed.

    :param corrections: of the nova-computes of the cloud.
    """

    def __init__(self, release: NovaRelease, corrections: Sequence[str] = ()) -> None:
        self._release = release
        self._corrected = [f"--corrected={name}" for name in corrections]
        self._process: NovaProcess | None = None
        self._conf = ""

    def of(self, staged: Staged, host: str | None = None) -> NovaWord:
        """Ask about the server of a scenario.

        :param host: that the request names
        """
        word = self._started(staged.cloud.nova_conf()).ask(servers=[staged.server_id], host=host)
        if word.omissions:
            raise AssertionError(f"the dry run cannot be made: {word.omissions}")
        return word

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _started(self, conf: Path) -> NovaProcess:
        text = f"{conf}\n{conf.read_text()}"
        if self._process is None or self._conf != text:
            self.close()
            python = str(environments.python(self._release))
            command = [python, "-m", "vfio_lm.inside_nova.main", "--config-file", str(conf)]
            command += [*self._corrected, "--serve", "--idle", "86400"]
            environ = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "COVERAGE"))}
            self._process = NovaProcess(command, environ)
            self._conf = text
        return self._process


def opinions(staged: Staged, novas: NovasWord | None = None) -> Iterator[Opinion]:
    """Ask all that the scenario wants to be asked.

    :param novas: None: nova's word is not asked, whatever the scenario wants
    """
    given = _inputs(staged)
    if not staged.scenario.asks_each_mode:
        informed = Informed.FULLY if staged.scenario.withheld.is_nothing else Informed.PARTLY
        yield from _of_preflight(staged, given, informed)
        return
    bare = {name: dataclasses.replace(host, facts=None) for name, host in given.hosts.items()}
    yield from _of_preflight(staged, dataclasses.replace(given, hosts=bare), Informed.BY_APIS)
    yield from _of_preflight(staged, given, Informed.BY_HOSTS)
    if novas is not None:
        word = novas.of(staged)
        # Nova was asked after the facts were taken, which on a busy machine is minutes later.
        told = dataclasses.replace(
            given, now=word.taken_at, nova_words=(GivenWord("vfio-lm-nova", word),)
        )
        yield from _of_preflight(staged, told, Informed.BY_WORD)
        yield from _of_dry_run(staged, word, novas)


def _of_dry_run(staged: Staged, word: NovaWord, novas: NovasWord) -> Iterator[Opinion]:
    """Say what nova's word alone is about the server, every destination, and the named host."""
    (answer,) = word.answers
    yield _opinion_of_answer(answer, Subject.SERVER, None)
    yield from map(_opinion_of_destination, answer.destinations)
    named = staged.scenario.named_host
    if named is not None:
        (answer,) = novas.of(staged, named).answers
        yield _opinion_of_answer(answer, Subject.NAMED_HOST, named)


def _opinion_of_answer(answer: NovaAnswer, subject: Subject, host: str | None) -> Opinion:
    hosts = None if host is None else frozenset({host})
    if host is None and _VERDICTS.get(answer.ending) is Verdict.READY:
        hosts = frozenset(each.host for each in answer.destinations if each.may_be_chosen)
    said = [f"{each.decider.value}: {each.name or each.reason}" for each in answer.objections]
    return _opinion(subject, host, answer.ending, hosts, said)


def _opinion_of_destination(destination: NovaDestination) -> Opinion:
    said = [f"{each.decider.value}: {each.name or each.reason}" for each in destination.objections]
    host = destination.host
    return _opinion(Subject.DESTINATION, host, destination.ending, frozenset({host}), said)


def _opinion(
    subject: Subject,
    host: str | None,
    ending: Ending,
    hosts: frozenset[str] | None,
    said: list[str],
) -> Opinion:
    verdict = _VERDICTS.get(ending, Verdict.UNKNOWN)
    return Opinion(
        Informed.BY_DRY_RUN,
        subject,
        host,
        verdict,
        hosts,
        asks_for=host,
        # It depends on what nova chooses, and not all that it may choose is accepted.
        is_warned=ending is Ending.DEPENDS,
        unknown=(ending.value,) if verdict is Verdict.UNKNOWN else (),
        failed=(ending.value, *said) if verdict is Verdict.BLOCKED else (),
    )


def _of_preflight(staged: Staged, inputs: Inputs, informed: Informed) -> Iterator[Opinion]:
    connection, server = staged.admin.connection, staged.server_id
    report = check_with(connection, server, inputs)
    possible = tuple(d for d in report.destinations if d.verdict is not Verdict.BLOCKED)
    of_server = dataclasses.replace(report, destinations=possible or report.destinations)
    of_any = _opinion_of_report(informed, Subject.SERVER, None, of_server)
    yield dataclasses.replace(of_any, asks_for=report.host_to_name)
    for destination in report.destinations:
        host = destination.host
        alone = dataclasses.replace(report, destinations=(destination,), requested_host=host)
        yield _opinion_of_report(informed, Subject.DESTINATION, host, alone)
    named_host = staged.scenario.named_host
    if named_host is not None:
        named = check_with(connection, server, inputs, host=named_host)
        yield _opinion_of_report(informed, Subject.NAMED_HOST, named_host, named)


def _opinion_of_report(
    informed: Informed, subject: Subject, host: str | None, report: Report
) -> Opinion:
    verdict = report.verdict
    return Opinion(
        informed,
        subject,
        host,
        verdict,
        frozenset(each.host for each in report.destinations),
        asks_for=host,
        is_warned=report.may_end_in_error,
        unknown=_checks(report, Status.UNKNOWN) if verdict is Verdict.UNKNOWN else (),
        failed=_checks(report, Status.FAIL) if verdict is Verdict.BLOCKED else (),
    )


def _inputs(staged: Staged) -> Inputs:
    """Read what the command would, after the facts were taken."""
    cloud, withheld = staged.cloud, staged.scenario.withheld
    specs = [host.spec for host in staged.scenario.hosts]
    known = knowledge(cloud, specs, [staged.server_id, *staged.other_ids], pf=ABLE)
    return dataclasses.replace(
        read_inputs([] if withheld.api_conf else [str(cloud.nova_conf())]),
        hosts={
            name: Host(
                conf=None if name in withheld.confs else each.conf,
                facts=None if name in withheld.facts else each.facts,
            )
            for name, each in known.items()
        },
    )


def _checks(report: Report, status: Status) -> tuple[str, ...]:
    found = {r.id for r in report.all_checks if r.status is status and r.is_decisive}
    if status is Status.FAIL:
        found |= {r.id for r in report.all_checks if r.status is status}
    return tuple(sorted(found))
