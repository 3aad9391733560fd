"""The house that all tests of what an operator types share; it is gone before the tests of other folders begin."""

from collections.abc import Iterator

import pytest

from tests.make.house import House, built


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    with built() as one:
        yield one
