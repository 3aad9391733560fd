"""Small archives of many segments, cut where a test wants them: as few members, and bytes, a segment as it says."""

import bz2
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

from scripts.store import archive, checksums, index, walk
from scripts.store.archive import Archive
from scripts.store.index import MEMBERS, PIECE, Header, Member, Segment, Totals
from scripts.store.manifest import APP, DATA, Part, old_text

STAMP = "2026-11-21_02-08-57"
APP_PART, DATA_PART = Part(APP, "/srv/blog"), Part(DATA, "/data/fgal")
LETTERS = {tarfile.DIRTYPE: walk.FOLDER, tarfile.SYMTYPE: walk.LINK, tarfile.LNKTYPE: walk.SECOND_NAME,
           tarfile.REGTYPE: walk.FILE}
SECOND = 10**9
BLOCK = 512

One = tuple[tarfile.TarInfo, bytes]


def file(path: str, content: bytes, mode: int = 0o644) -> One:
    one = tarfile.TarInfo(f"blog/{path}")
    one.size, one.mode, one.mtime = len(content), mode, 1_700_000_000
    return one, content


def folder(path: str, mode: int = 0o755) -> One:
    one = tarfile.TarInfo(f"blog/{path}".rstrip("/"))
    one.type, one.mode, one.mtime = tarfile.DIRTYPE, mode, 1_600_000_000
    return one, b""


def link(path: str, target: str) -> One:
    one = tarfile.TarInfo(f"blog/{path}")
    one.type, one.linkname, one.mode = tarfile.SYMTYPE, target, 0o777
    return one, b""


def second_name(path: str, first: str) -> One:
    one = tarfile.TarInfo(f"blog/{path}")
    one.type, one.linkname = tarfile.LNKTYPE, f"blog/{first}"
    return one, b""


def site(files: dict[str, bytes], more: list[One] = ()) -> list[One]:
    """Return the members of an archive with these files below the web root, in the order in which TRIM has them."""
    app = APP_PART.folder
    parents = {parent.as_posix() for name in files for parent in Path(name).parents} - {"."}
    below = {**{name: folder(f"{app}/{name}") for name in parents},
             **{name: file(f"{app}/{name}", content) for name, content in files.items()},
             **{one[0].name.removeprefix(f"blog/{app}/"): one for one in more}}
    return [folder(""), folder(app.split("/")[0]), folder(DATA_PART.folder.split("/")[0]),
            file("manifest.txt", old_text((APP_PART, DATA_PART))), folder(app),
            *(below[name] for name in sorted(below, key=lambda name: name.replace("/", "\0"))),
            folder(DATA_PART.folder), file(f"{DATA_PART.folder}/0123", b"upload")]


def listed(members: list[One]) -> list[One]:
    """Return members with the list of their checksums behind them."""
    lines = [checksums.line(hashlib.sha256(content).hexdigest(), below_top((info, content)))
             for info, content in members if info.isreg()]
    return [*members, file(checksums.LIST_NAME, b"".join(lines))]


def write(place: Path, members: list[One], packed: str = "bz2", per: int = 3, piece: int = 4096,
          tables: dict[str, list[object]] | None = None, cuts: dict[str, list[int]] | None = None,
          times: dict[str, int] | None = None, has_index: bool = True) -> Archive:
    """Write an archive with its sha256: per members a segment; what is longer than piece is cut into pieces.

    cuts says for a path where it is cut instead, and tables what the index tells of those pieces. times are what the
    index tells of when paths were changed, in ns, where that is another time than tar's.
    """
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"blog_{STAMP}.tar.{packed}"
    groups: list[list[One]] = []
    for one in members:
        is_apart = len(one[1]) > piece or one[0].name == f"blog/{DATA_PART.folder}"     # none spans two trees
        if is_apart or not groups or len(groups[-1]) >= per or len(groups[-1][0][1]) > piece:
            groups.append([])
        groups[-1].append(one)
    writer = index.Writer(index.beside(path), Header(path.name, packed, "blog", 0, "2026-11-21T00:00:00+00:00"))
    offset = raw_bytes = 0
    with open(path, "wb") as out:
        for number, group in enumerate(groups):
            raw = b"".join(map(_in_tar, group)) + (bytes(2 * BLOCK) if number == len(groups) - 1 else b"")
            name = below_top(group[0])
            pieces = _pieces(raw, piece, cuts and cuts.get(os.fsdecode(name))) if len(group[0][1]) > piece else [raw]
            for place_of, content in enumerate(pieces):
                text = pack(content, packed)
                known = (tables or {}).get(os.fsdecode(name))
                segment = Segment(PIECE if len(pieces) > 1 else MEMBERS, offset, len(text),
                                  hashlib.sha256(text).hexdigest(), len(content), hashlib.sha256(content).hexdigest(),
                                  name, 0 if place_of else len(group), tables=known and known[place_of])
                writer.add(segment, *(() if place_of else _told(group, times or {})))
                out.write(text)
                offset, raw_bytes = offset + len(text), raw_bytes + len(content)
    writer.finish(lambda count: Totals(offset, raw_bytes, count))
    if not has_index:
        index.beside(path).unlink()
    vouch(path)
    return archive.read(path)


def vouch(path: Path) -> None:
    """Put the checksum of an archive beside it."""
    path.with_name(f"{path.name}.sha256").write_text(f"{checksums.of_file(path)}  {path.name}\n")


def flip(path: Path, position: int) -> None:
    text = bytearray(path.read_bytes())
    text[position] ^= 4
    path.write_bytes(text)


def pack(raw: bytes, packed: str) -> bytes:
    if packed == "bz2":
        return bz2.compress(raw)
    return subprocess.run(["zstd", "-q", "-c"], input=raw, check=True, capture_output=True).stdout


def below_top(one: One) -> bytes:
    return one[0].name.partition("/")[2].encode("utf-8", "surrogateescape")


def _in_tar(one: One) -> bytes:
    info, content = one
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + content + bytes(-len(content) % BLOCK)


def _pieces(raw: bytes, size: int, cuts: list[int] | None) -> list[bytes]:
    places = [0, BLOCK, *(BLOCK + cut for cut in cuts)] if cuts is not None else list(range(0, len(raw), size))
    return [raw[begin:end] for begin, end in zip(places, [*places[1:], len(raw)])]


def _told(group: list[One], times: dict[str, int]) -> tuple[bytes, bytes]:
    members = [Member(below_top((info, content)), LETTERS[info.type], info.size,
                      times.get(info.name.removeprefix("blog/"), info.mtime * SECOND), 0, 0, 0,
                      info.mode, info.uid, info.gid,
                      (info.linkname.removeprefix("blog/") if info.islnk() else info.linkname).encode(),
                      hashlib.sha256(content).hexdigest() if info.isreg() else "") for info, content in group]
    return (b"".join(map(index.described, members)),
            b"".join(checksums.line(one.sha256, one.path) for one in members if one.sha256))
