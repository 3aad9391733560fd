"""A small file as small_files reads and replaces it: all that tar knows of it."""

import tarfile
from dataclasses import dataclass, field, replace

BESIDE = ".trim-new"
"""Where new files lie until they are renamed over the old ones; what a killed run left there is thrown away."""


@dataclass(frozen=True)
class SmallFile:
    """A file, link or folder as tar describes it. time is in seconds, as a decimal with all its digits."""

    kind: bytes
    content: bytes = b""
    target: str = ""
    mode: int = 0o644
    owner: int = 0
    group: int = 0
    owner_name: str = ""
    group_name: str = ""
    time: str = ""
    more: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_file(self) -> bool:
        return self.kind == tarfile.REGTYPE

    @property
    def is_link(self) -> bool:
        return self.kind == tarfile.SYMTYPE

    def with_(self, **changes: object) -> "SmallFile":
        return replace(self, **changes)
