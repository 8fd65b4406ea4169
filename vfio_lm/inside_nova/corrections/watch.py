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

"""Applies corrections as soon as nova imports the modules that they are for."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Iterable, Sequence

from vfio_lm.inside_nova.corrections.correction import Correction


def correct_when_imported(corrections: Iterable[Correction]) -> None:
    """Apply corrections, now or when nova imports their modules.

    The modules are those of nova-compute and of the libvirt driver: when nova imports them it has
    chosen its threads, and has imported whatever it wants to import first.
    """
    waiting: dict[str, list[Correction]] = {}
    for each in corrections:
        module = sys.modules.get(each.module)
        if module is not None:
            each.apply(module)
        else:
            waiting.setdefault(each.module, []).append(each)
    if waiting:
        sys.meta_path.insert(0, _Watch(waiting))


class _Watch:
    """Waits in ``sys.meta_path`` for modules."""

    def __init__(self, waiting: dict[str, list[Correction]]) -> None:
        self._waiting = waiting

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to import one of the modules; None for all others."""
        corrections = self._waiting.pop(name, None)
        if corrections is None:
            return None
        if not self._waiting:
            sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_correct(module: types.ModuleType) -> None:
                load(module)
                for each in corrections:
                    each.apply(module)

            spec.loader.exec_module = load_and_correct  # type: ignore[method-assign]
        return spec
