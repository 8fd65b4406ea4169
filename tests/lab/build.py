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

"""The order in which the lab is built, and what each step depends on; the steps are elsewhere."""

from __future__ import annotations

import concurrent.futures
import functools
import pathlib

from tests.lab.apt import Archive, Kernel
from tests.lab.image import GUEST, Image
from tests.lab.modules import DRIVER, KernelBuild
from tests.lab.roots import RUN_PACKAGES, build_packages, make_root
from tests.lab.stages import Input, Stages
from tests.lab.vm import Machine

_HERE = pathlib.Path(__file__).parent


def build_machine(work: pathlib.Path, stages: Stages) -> Machine:
    """Build what is not there yet, as far as possible side by side.

    :raises LabError: if a step fails
    """
    archive = Archive(work / "apt")
    archive.update()
    kernel = archive.kernel()
    stages.tell(f"Debian {archive.suite} with Linux {kernel.release}")
    root, build_root = work / "root", work / "build-root"
    builder = KernelBuild(work, build_root, kernel)
    image = Image(work, root, build_root)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        steps = (
            pool.submit(_make_root, stages, archive, root),
            pool.submit(_make_modules, stages, archive, kernel, build_root, builder),
        )
        for step in steps:
            step.result()
    inputs: list[Input] = [*_root_inputs(archive), *_module_inputs(kernel)]
    inputs += [*_files(GUEST), _HERE / "image.py"]
    stages.do("image", "disk", inputs, functools.partial(image.make, builder))
    return Machine(work, root, image, builder)


def _make_root(stages: Stages, archive: Archive, root: pathlib.Path) -> None:
    make = functools.partial(make_root, archive, RUN_PACKAGES, root)
    stages.do("root", "Debian to run and to boot", _root_inputs(archive), make)


def _make_modules(
    stages: Stages, archive: Archive, kernel: Kernel, root: pathlib.Path, builder: KernelBuild
) -> None:
    packages = build_packages(kernel.release)
    make = functools.partial(make_root, archive, packages, root)
    stages.do("build-root", "Debian to build", [archive.suite, *packages], make)
    fetch = functools.partial(builder.fetch, archive)
    stages.do("kernel", "kernel and sources", [kernel.release, _HERE / "modules.py"], fetch)
    stages.do("modules", "VFIO and the test driver", _module_inputs(kernel), builder.build)


def _root_inputs(archive: Archive) -> list[Input]:
    return [archive.suite, *RUN_PACKAGES]


def _module_inputs(kernel: Kernel) -> list[Input]:
    return [kernel.release, *_files(DRIVER), _HERE / "modules.py"]


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())
