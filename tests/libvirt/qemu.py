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

"""What of QEMU is not real on the tests' hosts, and the guest's program; all else is QEMU's own.

There are no VFs here to give to a guest. A shim in QEMU's place replaces the vfio-pci device by an
emulated one that can be migrated, says so in a file, and then becomes the real QEMU.
"""

from __future__ import annotations

import pathlib
import sys

_SHIM = """\
#!{python} -IS
import datetime, json, os, sys

arguments = sys.argv[1:]
for number, argument in enumerate(arguments):
    if argument.startswith('{{"driver":"vfio-pci"'):
        wanted = json.loads(argument)
        given = {{"driver": "virtio-rng-pci"}}
        given |= {{key: wanted[key] for key in ("id", "bus", "addr") if key in wanted}}
        arguments[number] = json.dumps(given, separators=(",", ":"))
    # The driver of a destination that does not take the state: QEMU says it in its log alone.
    if argument == "-incoming" and os.path.exists("{refusal}"):
        time = datetime.datetime.utcnow().isoformat()
        text = open("{refusal}").read()
        print(f"{{time}}Z qemu-system-x86_64: {{text}}", file=sys.stderr, flush=True)
os.execv("/usr/bin/qemu-system-x86_64", ["qemu-system-x86_64", *arguments])
"""

EMULATOR = "/run/bin/qemu-system-x86_64"
"""Where the shim is, as both hosts see it."""
REFUSAL = "/var/lib/libvirt/refusal"
"""If a host has this file, QEMU logs its text when a domain comes in, as for a refused state."""
BUSY_MEMORY = 0x100000
"""Where the boot sector of :func:`write_busy_disk` begins to write."""


def write_shim(shim: pathlib.Path) -> None:
    """Write the program that stands in QEMU's place."""
    shim.write_text(_SHIM.format(python=sys.executable, refusal=REFUSAL))
    shim.chmod(0o755)


def write_busy_disk(disk: pathlib.Path) -> None:
    """Write a disk whose boot sector writes into 47 MiB of the guest's memory for ever.

    At a few MiB per second such a guest is never done migrating, and at many it is at once.
    """
    code = bytes.fromhex(
        "fa"  # cli
        "31c0 8ed8"  # xor ax, ax; mov ds, ax
        "0f0116 507c"  # lgdt [0x7c50]
        "0f20c0 0c01 0f22c0"  # protected mode on
        "ea 177c 0800"  # jmp 0x08:0x7c17, where 32 bit code begins
        "66b81000 8ed8"  # mov ax, 0x10; mov ds, ax
        "bf 00001000"  # again: mov edi, 0x100000
        "ff07"  # page: inc dword [edi]
        "81c7 00100000"  # add edi, 0x1000
        "81ff 00000003"  # cmp edi, 0x3000000
        "72f0"  # jb page
        "ebe9"  # jmp again
    ).ljust(0x38, b"\0")
    segments = bytes.fromhex("0000000000000000 ffff0000009acf00 ffff00000092cf00")
    location = bytes.fromhex("1700 387c0000")  # of the segments, for lgdt
    boot_sector = (code + segments + location).ljust(510, b"\0") + b"\x55\xaa"
    disk.write_bytes(boot_sector.ljust(1024 * 1024, b"\0"))
