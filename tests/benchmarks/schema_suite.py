"""How the check of schemas does on JSON Schema's own suite; it must not fail what is right.

python -m tests.benchmarks.schema_suite FOLDER, a checkout of json-schema-org/JSON-Schema-Test-Suite
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from windsock.core.evidence.checks.schemas import fits

DRAFT = "tests/draft2020-12"


def cases(folder: Path) -> Iterator[tuple[str, bool, bool]]:
    """(keyword, whether it is right, whether it passed) of each case that is not optional."""
    for path in sorted((folder / DRAFT).glob("*.json")):
        for group in json.loads(path.read_text()):
            for test in group["tests"]:
                yield path.stem, test["valid"], fits(test["data"], group["schema"])


def main(folder: Path) -> None:
    """Print both kinds of mistakes."""
    known = list(cases(folder))
    failed = [name for name, is_right, passed in known if is_right and not passed]
    passed = [name for name, is_right, passed in known if passed and not is_right]
    print(f"{len(known)} cases, {len(failed)} right ones failed: {', '.join(failed)}")
    print(f"{len(passed)} wrong ones passed: {', '.join(dict.fromkeys(passed))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
