"""Times as the kernel and as programs have them."""

import pytest

from scripts.hosts import moments


@pytest.mark.parametrize("nanoseconds, seconds", [
    (0, "0"), (1_600_000_000_000_000_000, "1600000000"), (1_600_000_000_500_000_000, "1600000000.5"),
    (1_600_000_000_000_000_001, "1600000000.000000001")])
def test_no_nanosecond_is_lost_on_the_way(nanoseconds, seconds):
    assert moments.seconds(nanoseconds) == seconds
    assert moments.nanoseconds(seconds) == nanoseconds


def test_whole_seconds_may_be_a_number():
    assert moments.nanoseconds(7) == 7 * moments.SECOND
