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

"""Does ``vfio-lm-host probe`` see what each driver can do, in each way that a kernel offers?"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.lab.inside import devices
from tests.lab.inside.transcript import Transcript

_FACTS = "/tmp/facts.json"
_LAB_STATE_BYTES = 4096
_NO_FLAGS = {"stop_copy": False, "p2p": False, "pre_copy": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A driver in one configuration, and what the probe has to say of it."""

    title: str
    driver: str | None
    parameters: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    migration: Mapping[str, bool] | None = None
    logs_dma: bool | None = None
    """On a kernel that can do its part."""
    state_size: int | None = None


_FLAGS = _NO_FLAGS | {"stop_copy": True}
CASES = (
    Case(
        "the variant driver with everything",
        devices.VARIANT,
        {},
        _FLAGS | {"p2p": True},
        logs_dma=True,
        state_size=_LAB_STATE_BYTES,
    ),
    Case(
        "the variant driver without P2P",
        devices.VARIANT,
        {"p2p": False},
        _FLAGS,
        logs_dma=True,
        state_size=_LAB_STATE_BYTES,
    ),
    Case(
        "the variant driver without DMA logging",
        devices.VARIANT,
        {"dma_logging": False},
        _FLAGS | {"p2p": True},
        logs_dma=False,
        state_size=_LAB_STATE_BYTES,
    ),
    Case(
        "the variant driver without migration",
        devices.VARIANT,
        {"migration": False, "dma_logging": False},
        _NO_FLAGS,
        logs_dma=False,
    ),
    Case("plain vfio-pci", devices.PLAIN, {}, _NO_FLAGS, logs_dma=False),
    Case("no driver", None),
)


def bind_cases(vfs: Sequence[str]) -> None:
    """Bind one VF for each case."""
    for address, case in zip(vfs, CASES, strict=True):
        if case.driver is None:
            devices.unbind(address)
        else:
            devices.bind(address, case.driver, case.parameters)


def check_probe(transcript: Transcript, vfs: Sequence[str], *, kernel_logs: bool) -> None:
    """Probe all VFs for a reader, and for a comparison with what each driver offers.

    :param kernel_logs: whether the kernel can do its part of DMA logging
    """
    transcript.equal("the probe succeeds", transcript.type("lab", "vfio-lm-host probe").status, 0)
    _check_facts(transcript, vfs, kernel_logs)


def _check_facts(transcript: Transcript, vfs: Sequence[str], kernel_logs: bool) -> None:
    transcript.type("lab", f"vfio-lm-host probe --output {_FACTS}")
    found = {device["address"]: device for device in _read_facts()["devices"]}
    for address, case in zip(vfs, CASES, strict=True):
        facts = found.get(address)
        if facts is None:
            transcript.check(f"{case.title}: {address} is found", False)
            continue
        logs_dma = case.logs_dma and kernel_logs
        wanted = {
            "driver": case.driver,
            "has_variant_driver": case.driver == devices.VARIANT,
            "migration": case.migration,
            "logs_dma": logs_dma,
            "state_size_bytes": case.state_size,
        }
        seen = {name: facts[name] for name in wanted}
        transcript.equal(f"{case.title}: every value of {address} is right", seen, wanted)
        if case.migration is None:
            transcript.check(
                f"{case.title}: the reason for what is unknown is given",
                "migration" in facts["unknown"],
            )


def check_cdev(transcript: Transcript, vfs: Sequence[str]) -> None:
    """Probe through iommufd: where there are groups, the probe prefers them, so they are hidden."""
    with _groups_hidden():
        transcript.type("lab", "ls /dev/vfio /dev/vfio/devices")
        _check_facts(transcript, vfs, kernel_logs=True)


def probe_one(path: str) -> dict[str, Any]:
    """Return the only device of a facts file."""
    facts: dict[str, Any] = json.loads(pathlib.Path(path).read_text())["devices"][0]
    return facts


@contextlib.contextmanager
def _groups_hidden() -> Iterator[None]:
    nodes = [path for path in pathlib.Path("/dev/vfio").iterdir() if not path.is_dir()]
    hidden = pathlib.Path("/dev/hidden")
    hidden.mkdir()
    for node in nodes:
        node.rename(hidden / node.name)
    try:
        yield
    finally:
        for node in nodes:
            (hidden / node.name).rename(node)
        hidden.rmdir()


def _read_facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(pathlib.Path(_FACTS).read_text())
    return facts
