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

"""Pictures of what commands print, at two widths; ``python -m tests.screens`` makes them again.

The commands are the real ones. The cloud is the imagined one of the unit tests, so that a test can
compare the pictures.
"""

from __future__ import annotations

import html
import io
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from unittest import mock

from osc_vfio_lm.doctor import Doctor
from osc_vfio_lm.migration.check import CheckMigration
from tests.unit.preflight.scenario import (
    UNMARKED,
    alias,
    destination,
    facts,
    knowledge,
    node,
    pci_provider,
    service,
    vf,
)
from vfio_lm.doctor.health import CloudHealth, Knowledge, assess, sources
from vfio_lm.inventory.host import hosts
from vfio_lm.pci import LiveMigratable
from vfio_lm.preflight import Inputs, Report, Survey
from vfio_lm.preflight.examination import examine
from vfio_lm.preflight.registry import installed_checks

FOLDER = pathlib.Path(__file__).parents[1] / "doc" / "source" / "images" / "screens"

WIDTHS = (80, 160)

_NAMES = [f"compute{number}" for number in range(2, 12)]
_UNDECLARED = [
    destination(name, [pci_provider(name, 0, UNMARKED)], candidates=()) for name in _NAMES
]

_CHARACTER, _LINE, _MARGIN = 8.4, 19, 16
_COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341"}
_COLOURED = re.compile(r"\x1b\[1;(\d+)m(.*?)\x1b\[0m")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _report(name: str, *destinations: object, **changes: object) -> Report:
    known = facts(destinations=tuple(destinations), server={"name": name}, **changes)
    return examine(known, installed_checks())


def _check(*found: Report) -> str:
    app = mock.Mock(stdout=_Terminal(), stderr=io.StringIO())
    command = CheckMigration(app, None)
    survey = Survey(iter(found), count=len(found), others=4, others_are_known=True)
    with (
        mock.patch("vfio_lm.preflight.check_with", return_value=found[0]),
        mock.patch("vfio_lm.preflight.check_servers", return_value=survey),
    ):
        names = [each.server_name for each in found]
        command.run(command.get_parser("check").parse_args(names))
    return app.stdout.getvalue()


def _ready() -> str:
    ready = [destination(name) for name in _NAMES[:6]]
    down = [destination(name, service=service(name, is_up=False)) for name in _NAMES[6:8]]
    return _check(_report("web-1", *ready, *down, *_UNDECLARED[8:]))


def _blocked() -> str:
    aliases = {"vf": alias(LiveMigratable.UNSPECIFIED)}
    return _check(_report("web-2", *(destination(name) for name in _NAMES), aliases=aliases))


def _unknown() -> str:
    known = [destination(name) for name in _NAMES]
    return _check(_report("web-3", *known, pci_in_placement=False))


def _many() -> str:
    aliases = {"vf": alias(LiveMigratable.UNSPECIFIED)}
    return _check(
        _report("web-1", destination()),
        _report("web-2", destination(), aliases=aliases),
        _report("web-3", destination(), aliases=None),
    )


def _doctor() -> str:
    names = ["compute1", *_NAMES]
    known = {"compute1": knowledge("compute1", vf(), has_guard=True, has_corrections=True)}
    inputs = Inputs(
        now=facts().inputs.now,
        aliases={"vf": alias(LiveMigratable.YES)},
        pci_in_placement=True,
        hosts=known,
    )
    providers = [pci_provider(name, 0) for name in names[:8]]
    providers += [pci_provider(name, 0, UNMARKED) for name in names[8:]]
    found = hosts(
        {name: service(name) for name in names}, {name: node(name) for name in names}, providers
    )
    health = CloudHealth(
        microversion=(2, 104),
        is_nova_2026_2=True,
        sources=sources(names, inputs, ""),
        hosts=tuple(assess(host, Knowledge(inputs, is_nova_2026_2=True)) for host in found),
    )
    app = mock.Mock(stdout=_Terminal(), stderr=io.StringIO())
    command = Doctor(app, None)
    with mock.patch("vfio_lm.doctor.examine_cloud", return_value=health):
        command.run(command.get_parser("doctor").parse_args([]))
    return app.stdout.getvalue()


#: What is typed, and what makes the output, by the name of the picture.
SCREENS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "ready": ("openstack vfio migration check web-1", _ready),
    "blocked": ("openstack vfio migration check web-2", _blocked),
    "unknown": ("openstack vfio migration check web-3", _unknown),
    "many": ("openstack vfio migration check --all", _many),
    "doctor": ("openstack vfio doctor", _doctor),
}


def pictures() -> Iterator[tuple[str, str]]:
    """Yield the name of each file, and the picture as SVG."""
    for columns in WIDTHS:
        environ = {"COLUMNS": str(columns), "TERM": "xterm", "OS_VFIO_NOVA_CONF": ""}
        with mock.patch.dict(os.environ, environ):
            os.environ.pop("NO_COLOR", None)
            for name, (command, output) in SCREENS.items():
                lines = [f"$ {command}", *output().rstrip("\n").splitlines()]
                yield f"{name}-{columns}.svg", svg(lines, columns)


def svg(lines: Sequence[str], columns: int) -> str:
    """Return a picture of a terminal; what is wider goes on in the next line, as there."""
    shown = [part for line in lines for part in _broken(line, columns)]
    width = round(2 * _MARGIN + columns * _CHARACTER)
    height = 2 * _MARGIN + len(shown) * _LINE
    text = "\n".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * number + 14}" xml:space="preserve">'
        f"{_markup(line)}</text>"
        for number, line in enumerate(shown)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#161b22"/>\n'
        f'<g font-family="DejaVu Sans Mono, Consolas, Menlo, monospace" font-size="14" '
        f'fill="#e6edf3">\n{text}\n</g>\n</svg>\n'
    )


def _broken(line: str, columns: int) -> list[str]:
    """Return a line as a terminal breaks it; one with a colour is never that wide."""
    if _COLOURED.search(line):
        return [line]
    return [line[at : at + columns] for at in range(0, max(1, len(line)), columns)]


def _markup(line: str) -> str:
    escaped = html.escape(line, quote=False)
    return _COLOURED.sub(
        lambda found: f'<tspan fill="{_COLOURS[found[1]]}" font-weight="bold">{found[2]}</tspan>',
        escaped,
    )


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures():
        (FOLDER / name).write_text(picture)
        print(name)


if __name__ == "__main__":
    main()
