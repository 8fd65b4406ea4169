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

"""The command vfio-lm-nova: what nova itself says about live migrations; changes nothing."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from vfio_lm.errors import VfioLmError
from vfio_lm.inside_nova.corrections import NAMES
from vfio_lm.inside_nova.lines import say
from vfio_lm.pci.nova_word import NovaWord, to_json

PROGRAM = "vfio-lm-nova"

_ALL = "all"

_DESCRIPTION = """\
Show what nova would do if servers were live migrated, host by host, by running nova's own
scheduler, conductor and claim code on what nova's databases and placement hold. Nothing is
changed: any write is refused. Run it where nova is installed, with the nova.conf of a controller;
a database user that may only read is enough. The output is JSON."""

_EPILOG = """\
exit status: 0 if everything that was asked for is in the output; 1 if not, with a line on standard
error for each omission; 2 if the arguments are wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not (options.server or options.source or options.all or options.facts or options.serve):
        parser.error("name a server, or use --source, --all or --facts")
    # What libraries print by themselves is no part of the answer.
    output, sys.stdout = sys.stdout, io.StringIO()
    try:
        return _run(options, output)
    except VfioLmError as exc:
        if options.serve:
            say(output, {"error": str(exc)})
        print(f"{PROGRAM}: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        return 1
    finally:
        sys.stdout = output


def _run(options: argparse.Namespace, output: TextIO) -> int:
    from vfio_lm.inside_nova.asking import Asking, Question
    from vfio_lm.inside_nova.deadline import Deadline
    from vfio_lm.inside_nova.outage import raised_as_ours
    from vfio_lm.inside_nova.serving import serve
    from vfio_lm.inside_nova.start import Place, dry_run, start

    names = NAMES if _ALL in options.corrected else tuple(dict.fromkeys(options.corrected))
    guard = start(Place(options.config_file, options.config_dir, options.own_database_user, names))
    deadline = Deadline()
    asking = Asking(dry_run(guard, deadline.is_over), deadline.is_over, names)
    if options.serve:
        serve(asking, deadline, sys.stdin, output, options.idle)
        return 0
    deadline.set(options.timeout)
    question = Question(
        servers=tuple(options.server),
        source=options.source,
        is_about_all=options.all,
        host=options.host,
        wants_facts=options.facts,
    )
    with raised_as_ours():
        word = asking.word(question)
    output.write(to_json(word) + "\n")
    output.flush()
    return _report_omissions(word)


def _report_omissions(word: NovaWord) -> int:
    for each in word.omissions:
        print(f"{PROGRAM}: {each.subject}: {each.reason}", file=sys.stderr)
    return 0 if word.is_complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("server", nargs="*", metavar="SERVER", help="ID of a server")
    parser.add_argument(
        "--source", metavar="HOST", help="ask about all servers on a host, by the host's nova name"
    )
    parser.add_argument(
        "--all", action="store_true", help="ask about all servers that asked for PCI devices"
    )
    parser.add_argument(
        "--host", metavar="HOST", help="destination that the request names (default: none)"
    )
    parser.add_argument(
        "--facts",
        action="store_true",
        help="show what is stored for all hosts, and for all servers that asked for PCI devices",
    )
    parser.add_argument(
        "--config-file",
        action="append",
        default=[],
        metavar="FILE",
        help="nova.conf of a controller, may be repeated (default: nova's own, "
        "/etc/nova/nova.conf)",
    )
    parser.add_argument(
        "--config-dir", action="append", default=[], metavar="DIR", help="directory of such files"
    )
    parser.add_argument(
        "--own-database-user",
        action="store_true",
        help="open the databases of the cells with the user and password of "
        "[api_database]connection, not with those of the cell mappings",
    )
    parser.add_argument(
        "--corrected",
        action="append",
        default=[],
        choices=[_ALL, *NAMES],
        metavar="NAME",
        help="every nova-compute runs with this correction of vfio-lm-nova-compute, may be "
        f"repeated: {', '.join([*NAMES, _ALL])}",
    )
    parser.add_argument(
        "--timeout",
        type=_positive,
        metavar="SECONDS",
        help="leave out what cannot be answered in this time (default: no limit)",
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--idle", type=_positive, default=300.0, metavar="SECONDS", help=argparse.SUPPRESS
    )
    return parser


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, not '{text}'")
    return number


if __name__ == "__main__":
    sys.exit(main())
