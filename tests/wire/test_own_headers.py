"""Headers that say what is wanted of the router itself."""

import pytest

from windsock.wire.caller_fields.own_headers import TASK, wishes_in


@pytest.mark.parametrize(
    ("sent", "task"),
    [(b"sql", "sql"), ("zusammenfassen für 客户".encode(), "zusammenfassen für 客户"),
     (b"f\xfcr", "für")],
)  # fmt: skip
def test_a_task_is_the_same_in_a_header_as_in_metadata(sent: bytes, task: str) -> None:
    assert wishes_in({TASK: sent}).task == task
