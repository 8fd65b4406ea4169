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

"""Run benchmarks: ``python -m tests.bench [NAME [OPTION…]]``, all of them without a name."""

from __future__ import annotations

import importlib
import pathlib
import sys


def main() -> None:
    """Run the benchmark that is named, with its options, or each as it is by default."""
    folder = pathlib.Path(__file__).parent
    names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    name, *options = sys.argv[1:] or [""]
    if name and name not in names:
        sys.exit(f"no benchmark '{name}'; there are: {', '.join(names)}")
    for each in [name] if name else names:
        print(f"== {each}", flush=True)
        importlib.import_module(f"tests.bench.{each}").main(options)


if __name__ == "__main__":
    main()
