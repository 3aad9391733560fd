"""A bar with rate and time left while bytes move; only at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scripts.present.output import manner


@contextmanager
def moving(label: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of bytes that have just moved."""
    if not sys.stderr.isatty() or manner.is_quiet or manner.is_json:
        yield lambda count: None
        return
    from tqdm import tqdm
    with tqdm(desc=label, total=total_bytes or None, unit="B", unit_scale=True, leave=False, file=sys.stderr) as bar:
        yield bar.update
