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

"""The guard as one file that needs nothing of this package; where it belongs is not known here.

The file is a shell script whose rest is Python: the sources of :mod:`vfio_lm.compute.guard.hook`
and of all that it imports, as they are. It needs Python 3.9 or later, and no package. The shell
part decides what needs Python at all, so that whatever becomes of that, no server without host
devices is stopped.
"""

from __future__ import annotations

import ast
import importlib.util
import shlex
from collections.abc import Iterator, Mapping

from vfio_lm.compute.domain.devices import LARGEST_BYTES
from vfio_lm.compute.guard import hook
from vfio_lm.errors import VfioLmError

MARK = "# The guard of vfio-lm for live migrations that arrive."
"""A line of each guard, whichever release wrote it."""

TRIAL = "vfio-lm-trial"
"""The name of a server for which the script is only tried out."""

ANY_PYTHON = "python3"
"""The first one on the path that libvirt gives to hooks."""

_MAIN = hook.__name__
_OWN = "vfio_lm"
_QUOTES = "'''"

_SHELL = """\
#!/bin/sh
''':'
{mark}
# Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0
#
# "vfio-lm-host hook render" prints it, "vfio-lm-host hook install" puts it into
# /etc/libvirt/hooks/qemu.d. It works as /etc/libvirt/hooks/qemu, too.
python={python}
if [ "$1" != {trial} ]; then
    [ -d /run/vfio-lm ] || mkdir -m 755 /run/vfio-lm 2>/dev/null
    {{ true >/run/vfio-lm/called; }} 2>/dev/null
fi
case $2/$3 in
migrate/begin | prepare/begin | start/begin) ;;
*) exit 0 ;;
esac
LC_ALL=C
export LC_ALL
operation=$2
server=$1
case $1 in *[!A-Za-z0-9._:@+-]*) server="a server" ;; esac
refuse() {{
    # a server that starts is none of the guard's business
    [ "$operation" = migrate ] || exit 0
    printf '%s\\n' "vfio-lm: incoming migration of $server refused: $1" >&2
    exit 1
}}
xml=$(head -c {too_many} 2>/dev/null)
if [ -z "$xml" ]; then
    # without head, and slower
    while IFS= read -r line || [ -n "$line" ]; do
        xml="$xml$line
"
    done
fi
[ ${{#xml}} -lt {too_many} ] || refuse "its XML exceeds {mebibytes} MiB"
# a device as libvirt writes it, which writes no such quote or bracket within a name
case $xml in
*"<hostdev"* | *\\'hostdev\\'* | *'"hostdev"'* | *vfio-pci*) ;;
*) exit 0 ;;
esac
{{
    said=$({{ printf '%s\\n' "$xml" | "$python" -I -S "$0" "$@"; }} 2>&1 >&3)
    status=$?
}} 3>&1
[ $status -ne {passed} ] || exit 0
if [ $status -eq {refused} ]; then
    printf '%s\\n' "$said" >&2
    exit 1
fi
said=${{said%%
*}}
case $said in *[![:print:]]*) said="" ;; esac
refuse "the guard $0 does not run with $python, exit status $status${{said:+: $said}}"
'''
"""

_PYTHON = """\
import importlib.machinery
import sys


class _Sources:
    \"\"\"Imports the modules of this file.\"\"\"

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in SOURCES:
            return None
        is_package = any(other.startswith(name + ".") for other in SOURCES)
        return importlib.machinery.ModuleSpec(name, _Sources, is_package=is_package)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        name = module.__name__
        code = compile(SOURCES[name], "<vfio-lm>/" + name, "exec", dont_inherit=True)
        exec(code, module.__dict__)


SOURCES = {{}}
{sources}
sys.meta_path.insert(0, _Sources)

from {main} import main

sys.exit(main())
"""


class RenderError(VfioLmError):
    """The package's own sources cannot be put into one file."""


def render(python: str = ANY_PYTHON) -> str:
    """Return the text of the guard's script.

    :param python: the interpreter, a path or a name to look for on the path
    :raises RenderError: if the package has no sources to read
    """
    shell = _SHELL.format(
        mark=MARK,
        python=shlex.quote(python),
        too_many=LARGEST_BYTES + 1,
        mebibytes=LARGEST_BYTES >> 20,
        trial=TRIAL,
        passed=hook.PASSED,
        refused=hook.REFUSED,
    )
    texts = {name: _without_licence(text) for name, text in _sources().items()}
    sources = "".join(
        f"\nSOURCES[{name!r}] = r{_QUOTES}{text}{_QUOTES}\n" for name, text in texts.items()
    )
    return shell + _PYTHON.format(sources=sources, main=_MAIN)


def source_files() -> tuple[str, ...]:
    """Return the paths of the modules that the script is made of.

    :raises RenderError: if the package has no sources to read
    """
    return tuple(_path(name) for name in _sources())


def _sources() -> Mapping[str, str]:
    """Return the source of the hook's module, and of each of ours that it imports, by name."""
    found: dict[str, str] = {}
    left = [_MAIN]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            with open(_path(name), encoding="utf-8") as file:
                found[name] = file.read()
        except OSError as exc:
            raise RenderError(f"{_path(name)}: cannot be read: {exc.strerror}") from None
        if _QUOTES in found[name]:
            raise RenderError(f"{_path(name)}: holds {_QUOTES}, and cannot be quoted")
        left += _imported(found[name])
        left += [name.rpartition(".")[0]] if "." in name else []
    return dict(sorted(found.items()))


def _imported(source: str) -> Iterator[str]:
    """Yield the modules of ours that a source imports when it runs."""
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        nodes += ast.iter_child_nodes(node)
        names = [alias.name for alias in node.names] if isinstance(node, _IMPORTS) else []
        if isinstance(node, ast.ImportFrom):
            module = str(node.module)
            names = [module, *(f"{module}.{name}" for name in names)]
        yield from (name for name in names if name.split(".")[0] == _OWN and _is_module(name))


_IMPORTS = (ast.Import, ast.ImportFrom)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a name in a module that is no package
        return False


def _path(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        raise RenderError(f"{name}: has no file with its source")
    return spec.origin


def _without_licence(source: str) -> str:
    """Return a module from its docstring on; the script names the licence once."""
    lines = source.splitlines(keepends=True)
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        del lines[0]
    return "".join(lines)
