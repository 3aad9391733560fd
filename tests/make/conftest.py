"""The house that all tests of what an operator types share."""

from collections.abc import Iterator

import pytest

from tests.make.house import House, built


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with built() as one:
        yield one
