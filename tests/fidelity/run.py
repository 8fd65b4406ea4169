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

"""Running many scenarios on one cloud or on several side by side, and noting the results."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.cloud.shared import SharedCloud
from tests.fidelity.judgement import Informed, Judgement
from tests.fidelity.opinion import NovasWord
from tests.fidelity.outcome import judge
from tests.fidelity.scenario import Scenario
from tests.fidelity.stage import Stager

_LOG_LINES = 5000
_MARKS = {True: "→", False: "×"}


class Run:
    """Scenarios that are run one after the other on each cloud.

    :ivar judgements: of those that have been run, and of those that a file knew already.
    :ivar broken: the names of scenarios that could not be run to their end.
    :param results: a file with a line for each judgement; what it holds is not run again.
    :param failures: the folder for scenarios in which the preflight is wrong.
    :param say: prints a line.
    :param new_cloud: makes a cloud that is not started yet, with options of nova.
    """

    def __init__(
        self,
        scenarios: Iterable[Scenario],
        *,
        results: Path | None,
        failures: Path,
        say: Callable[[str], None],
        new_cloud: Callable[[Mapping[str, Mapping[str, Any]]], SharedCloud],
    ) -> None:
        self.judgements: list[Judgement] = []
        self.broken: list[str] = []
        self._results = results
        self._failures = failures
        self._say = say
        self._new_cloud = new_cloud
        self._lock = threading.Lock()
        noted = {(each.seed, each.number): each for each in _noted(results)}
        wanted = list(scenarios)
        self.judgements += (
            noted[each.seed, each.number] for each in wanted if (each.seed, each.number) in noted
        )
        self._left = iter([each for each in wanted if (each.seed, each.number) not in noted])

    def work(self, jobs: int) -> None:
        """Run all that is left, on as many clouds; return when the last one has ended."""
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _work(self) -> None:
        site = _Site(self._new_cloud, {})
        try:
            while scenario := self._next():
                if scenario.nova_options != site.options:
                    site.close()
                    site = _Site(self._new_cloud, scenario.nova_options)
                try:
                    judgement = judge(site.stager, scenario, site.novas)
                    self._note(scenario, judgement, site.shared)
                except Exception:  # noqa: BLE001 - the next scenario has a new cloud
                    self._note_broken(scenario, traceback.format_exc(), site.shared)
                    site.close()
                    site = _Site(self._new_cloud, site.options)
        finally:
            site.close()

    def _next(self) -> Scenario | None:
        with self._lock:
            return next(self._left, None)

    def _note(self, scenario: Scenario, judgement: Judgement, shared: SharedCloud) -> None:
        with self._lock:
            self.judgements.append(judgement)
            seconds = " ".join(f"{phase} {each}" for phase, each in judgement.seconds.items())
            self._say(f"{scenario.name:<8} {_outcome(judgement)} [{seconds} s]")
            if self._results is not None:
                with self._results.open("a") as file:
                    file.write(judgement.to_json() + "\n")
        if judgement.disagreements:
            path = self._keep(scenario, shared)
            for answer in judgement.disagreements:
                self._say(f"  {answer.agreement.value}: {answer.sentence}")
            self._say(f"  again: python -m tests.fidelity --replay {path}")

    def _note_broken(self, scenario: Scenario, why: str, shared: SharedCloud) -> None:
        path = self._keep(scenario, shared)
        self.broken.append(scenario.name)
        self._say(f"{scenario.name:<8} could not be run to its end, see {path}\n{why}")

    def _keep(self, scenario: Scenario, shared: SharedCloud) -> Path:
        """Write the scenario's file, and beside it what nova logged last."""
        self._failures.mkdir(parents=True, exist_ok=True)
        path = self._failures / f"{scenario.seed}-{scenario.number}.json"
        path.write_text(scenario.to_json())
        path.with_suffix(".log").write_text(shared.logs("nova", _LOG_LINES))
        return path


class _Site:
    """A cloud with options of its own, and who stages scenarios and runs nova's code there."""

    def __init__(
        self,
        new_cloud: Callable[[Mapping[str, Mapping[str, Any]]], SharedCloud],
        options: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.options = options
        self.shared = new_cloud(options)
        self.stager = Stager(self.shared)
        self.novas = NovasWord(self.shared.release, self.shared.corrections)

    def close(self) -> None:
        """End what has started."""
        self.novas.close()
        self.shared.stop()


def _noted(results: Path | None) -> list[Judgement]:
    if results is None or not results.exists():
        return []
    return [Judgement.from_json(line) for line in results.read_text().splitlines()]


def _outcome(judgement: Judgement) -> str:
    if judgement.void:
        return f"no server: {judgement.void[:200]}"
    return f"{'WRONG' if judgement.disagreements else 'ok':<5} {'; '.join(_each(judgement))}"


def _each(judgement: Judgement) -> Iterator[str]:
    """Say of each way to be informed what the verdicts were, and whether nova moved the server."""
    for informed in Informed:
        answers = [each for each in judgement.answers if each.informed is informed]
        if answers:
            verdicts = " ".join(
                f"{each.host or 'anywhere'}:{each.verdict.value}{_MARKS[each.is_moved]}"
                f"{'!' if each.is_broken else ''}"
                for each in answers
            )
            yield f"{informed.value}: {verdicts}"
