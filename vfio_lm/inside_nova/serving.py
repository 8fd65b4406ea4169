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

"""Answers questions on standard input, one a line, for the API filter; not over HTTP.

A question is a JSON object with the fields of :class:`~vfio_lm.inside_nova.asking.Question` and
``seconds``, how long the answer may take. An answer is nova's word on one line, or an object with
``error``. The first line says that the process is ready.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
from typing import Any, TextIO

from vfio_lm.inside_nova.asking import Asking, Question
from vfio_lm.inside_nova.databases import reason
from vfio_lm.inside_nova.deadline import Deadline
from vfio_lm.inside_nova.lines import READY, say
from vfio_lm.pci.nova_word import to_json

#: Lets nova's services run first.
_NICENESS = 10


def serve(
    asking: Asking, deadline: Deadline, questions: TextIO, answers: TextIO, idle_seconds: float
) -> None:
    """Answer until there are no more questions, or none for some time."""
    os.nice(max(0, _NICENESS - os.nice(0)))
    say(answers, READY)
    while select.select([questions], [], [], idle_seconds)[0]:
        line = questions.readline()
        if not line:
            return
        try:
            question, seconds = parse(line)
            deadline.set(seconds)
            answers.write(to_json(asking.word(question), indent=None) + "\n")
            answers.flush()
        except Exception as exc:  # noqa: BLE001 - the process has to go on
            say(answers, {"error": f"{type(exc).__name__}: {reason(exc)}"})


def parse(line: str) -> tuple[Question, float | None]:
    """Read a question, and how many seconds its answer may take.

    :raises ValueError: if it is none
    """
    fields: Any = json.loads(line)
    seconds = fields.pop("seconds", None)
    names = {field.name for field in dataclasses.fields(Question)}
    if not names.issuperset(fields):
        raise ValueError(f"a question has no {', '.join(sorted(set(fields) - names))}")
    return Question(**{**fields, "servers": tuple(fields.get("servers", ()))}), seconds
