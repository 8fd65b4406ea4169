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

"""Whether nova-compute is corrected without a command of ours; says nothing of what is corrected.

Where a deployment fixes the command ``nova-compute``, ``vfio-lm-corrections.pth`` in site-packages
calls this at the start of Python, and only if it may be turned on. Every program that runs there
pays for what is imported here, so it is next to nothing until nova-compute is imported.
"""

from __future__ import annotations

import os
import sys

PATH = "/etc/nova/vfio-lm.conf"
SECTION, OPTION = "vfio_lm", "corrections"
#: Goes before the file.
VARIABLE = "VFIO_LM_CORRECTIONS"

_NOVA_COMPUTE = "nova.cmd.compute"
_ALL, _NONE = "all", "none"


def wait_for_nova_compute() -> None:
    """Apply the corrections that are turned on, if this process becomes a nova-compute."""
    if not any(isinstance(each, _Start) for each in sys.meta_path):
        sys.meta_path.insert(0, _Start())


def wanted() -> tuple[str, ...]:
    """Return the names of the corrections that are turned on.

    :raises VfioLmError: if that cannot be understood, at which nova-compute stops as it does at a
        wrong value of its own
    """
    text = os.environ.get(VARIABLE)
    if text:
        return _names(text, VARIABLE)
    text = _written(PATH)
    return () if text is None else _names(text, f"{PATH}: [{SECTION}]{OPTION}")


class _Start:
    """Stands in ``sys.meta_path`` until the main module of nova-compute is looked for."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Find nothing, but see what others are asked to find."""
        if name != _NOVA_COMPUTE:
            return
        sys.meta_path.remove(self)
        from vfio_lm.errors import VfioLmError

        try:
            names = wanted()
        except VfioLmError as exc:
            sys.exit(f"nova-compute: {exc}")
        if names:
            from vfio_lm.inside_nova.corrections import CORRECTIONS, correct_when_imported

            correct_when_imported(each for each in CORRECTIONS if each.name in names)


def _written(path: str) -> str | None:
    """Return the value of the option in a file; None if there is none.

    The file may have options of nova's beside it, with a password that nova-compute may not read.
    """
    import configparser

    from vfio_lm.errors import VfioLmError

    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return None
    except OSError as exc:
        print(
            f"nova-compute: {path} cannot be read ({exc.strerror}): nova is not corrected",
            file=sys.stderr,
        )
        return None
    except (configparser.Error, UnicodeDecodeError):
        raise VfioLmError(
            f"{path} is not a file of options: write [{SECTION}] and below it {OPTION} = {_ALL}"
        ) from None
    if not parser.has_option(SECTION, OPTION):
        return None
    return parser.get(SECTION, OPTION) or ""


def _names(text: str, place: str) -> tuple[str, ...]:
    from vfio_lm.errors import VfioLmError
    from vfio_lm.inside_nova.corrections import NAMES
    from vfio_lm.quoting import quoted

    words = tuple(filter(None, (each.strip() for each in text.split(","))))
    if words == (_ALL,):
        return NAMES
    if words == (_NONE,):
        return ()
    strange = [each for each in words if each not in NAMES]
    if strange or not words:
        what = ", ".join(map(quoted, strange)) or "nothing"
        raise VfioLmError(
            f"{place} has {what}: write {_ALL}, {_NONE}, or some of {', '.join(NAMES)}"
        )
    return words
