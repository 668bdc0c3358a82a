"""The limit of open files, and how many connections it allows."""

import resource

import pytest

from consumer.http.limits.open_files import SOFT_LIMIT_CAP, connection_limit, wanted_limit

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "target"),
    [
        (1_024, 1_048_576, SOFT_LIMIT_CAP),
        (1_024, 4_096, 4_096),
        (512, 512, 512),
        (1_024, INFINITY, SOFT_LIMIT_CAP),
        (100_000, 1_048_576, 100_000),
        (INFINITY, INFINITY, INFINITY),
    ],
)
def test_soft_limit_is_raised_towards_the_hard_limit_and_never_lowered(
    soft: int, hard: int, target: int
) -> None:
    assert wanted_limit(soft, hard) == target


@pytest.mark.parametrize(
    ("open_files", "connections"),
    [(INFINITY, 256), (65_536, 256), (384, 256), (383, 255), (256, 128), (144, 16), (64, 16)],
)
def test_files_are_reserved_for_other_uses_than_connections(open_files: int, connections: int) -> None:
    assert connection_limit(open_files) == connections
