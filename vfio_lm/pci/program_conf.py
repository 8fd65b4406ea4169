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

"""What oslo.config makes of a program's configuration files that it refuses, as one error.

Where an option may stand on the command line, too, it prints the whole value and ends the program.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence

from oslo_config import cfg

from vfio_lm.errors import ConfigError
from vfio_lm.pci.conf_text import not_a_configuration, read_conf_text
from vfio_lm.quoting import refusal_of_value

_PRINTED = re.compile(r"argument --(\S+): Invalid ")


@contextlib.contextmanager
def program_configured(files: Sequence[str]) -> Iterator[None]:
    """Let oslo.config read the files, and the command line, of a program that has one thread.

    :raises ConfigError: if it refuses a file or a value
    :raises SystemExit: if it ends the program for what is on the command line
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    except SystemExit:
        _refuse_option(printed.getvalue(), files)
        sys.stderr.write(printed.getvalue())
        raise
    except cfg.ConfigFileParseError as exc:
        raise not_a_configuration(exc.config_file) from None
    except UnicodeDecodeError as exc:
        raise ConfigError(", ".join(files), "", "", f"not a text file: {exc.reason}") from None
    except (cfg.NoSuchOptError, cfg.TemplateSubstitutionError) as exc:
        values = (each.value for each in read_conf_text(files).settings if "$" in each.value)
        reason = refusal_of_value(exc, *values)
        raise ConfigError(", ".join(files), "[DEFAULT]", "", reason) from None


def _refuse_option(printed: str, files: Sequence[str]) -> None:
    found = _PRINTED.match(printed)
    setting = read_conf_text(files).last(f"[DEFAULT]{found[1]}") if found else None
    if setting is not None:
        raise ConfigError(
            f"{setting.file}:{setting.line}",
            setting.name,
            setting.value,
            refusal_of_value(ValueError("the value is not valid"), setting.value),
        ) from None
