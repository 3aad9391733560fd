"""Which files of a site change when mods come and go: what is put, what goes, what comes back, what is saved.

Several mods may have had a file at one path (FORCE=1): then the last one's is there, and each has kept what was there
before it, so that they can go in any order.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from scripts.errors import RefusedError
from scripts.registry.instance import Instance
from scripts.steps import local_files, mods_state, release_files
from scripts.steps.mods_places import Places
from scripts.steps.mods_state import Installed, State
from scripts.steps.mods_switching import Files
from scripts.tiki import small_files
from scripts.tiki.small_files import SmallFile


@dataclass
class Layout:
    """The change as it grows: first what goes, then what comes, mod by mod.

    result are the files of the site afterwards, of those that change; None for none. saved were changed by hand after a
    mod had put them there, and would be lost; kept are originals that are to be kept, by name.
    """

    instance: Instance
    places: Places
    state: State
    force: bool = False
    mods: dict[str, Installed] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    result: dict[str, SmallFile | None] = field(default_factory=dict)
    saved: dict[str, SmallFile] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    needs_force: bool = False
    emptied: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.mods = dict(self.state.mods)
        self.owners = {path: self.state.owner(path) for one in self.mods.values() for path in one.files}
        for path, mod in self.owners.items():
            there = self.places.present.get(path)
            if there and digest(there) != self.mods[mod].files[path]:
                self.saved[path] = there

    def take_out(self, mod: str) -> None:
        """Take a mod out with all its files."""
        for path in list(self.mods[mod].files):
            self._take_away(mod, path)
        gone = self.mods.pop(mod)
        self._pass_folders_on(gone)

    def put_in(self, mod: str, new: Installed, files: Mapping[str, SmallFile]) -> None:
        """Put a mod's files in, in place of those that it had; files are by real path."""
        old = self.mods.get(mod)
        self.mods[mod] = replace(new, files=old.files if old else {}, originals=old.originals if old else {},
                                 folders=old.folders if old else ())
        for path in list(self.mods[mod].files):
            if path not in files:
                self._take_away(mod, path)
        made = tuple(folder for folder in self.places.made_for(files) if folder not in self._folders())
        self.mods[mod] = replace(self.mods[mod], folders=(*self.mods[mod].folders, *made))
        for path, file in files.items():
            self._put(mod, path, file)

    def _folders(self) -> set[str]:
        return {folder for one in self.mods.values() for folder in one.folders}

    def _put(self, mod: str, path: str, file: SmallFile) -> None:
        owner, there = self.owners.get(path, ""), self._there(path)
        originals = dict(self.mods[mod].originals)
        if owner != mod:
            self._judge(mod, path, owner)
            if there is not None:
                originals[path], packed = mods_state.original_of(path, there)
                self.kept[originals[path]] = packed
                self.replaced.append(path)
        files = {**self.mods[mod].files, path: digest(file)}
        self.mods[mod] = replace(self.mods[mod], files=files, originals=originals)
        self.owners[path], self.result[path] = mod, file

    def _judge(self, mod: str, path: str, owner: str) -> None:
        """Note why this mod's file may not be put there without FORCE=1."""
        if owner:
            self._refuse(f"{path} of {mod}: belongs to {owner}")
        elif self.places.is_tikis(path):
            self._refuse(f"{path} of {mod}: is part of Tiki itself" if self.places.release else
                         f"{path} of {mod}: is there, and which files Tiki shipped is not known")

    def _refuse(self, why: str) -> None:
        self.needs_force = True
        if not self.force:
            self.wrong.append(why)

    def _take_away(self, mod: str, path: str) -> None:
        one = self.mods[mod]
        name = one.originals.get(path)
        if self.owners.get(path) == mod and self._is_shipped(path):
            self.owners.pop(path)  # an update has brought Tiki's own file of that name
        elif self.owners.get(path) == mod:
            original = self._original(name) if name else None
            self.result[path] = original
            below = next((other for other, its in self.mods.items() if other != mod and original
                          and its.files.get(path) == digest(original)), None)
            self.owners.pop(path)
            if below:
                self.owners[path] = below
        else:
            self._hand_down(mod, path, name)
        self.mods[mod] = replace(one, files=_without(one.files, path), originals=_without(one.originals, path))

    def _is_shipped(self, path: str) -> bool:
        """Whether what is there is not the mod's, but what Tiki ships."""
        there = self.saved.get(path)
        shipped = self.places.release.files.get(path, "") if there and self.places.release else ""
        return bool(shipped) and release_files.digest(there.content, shipped) == shipped

    def _hand_down(self, mod: str, path: str, name: str | None) -> None:
        """Let the mod that took this one's file away keep what this one had kept, in place of this one's file."""
        for other, its in self.mods.items():
            kept = its.originals.get(path)
            if other != mod and kept and \
                    digest(self._original(kept)) == self.mods[mod].files[path]:
                originals = {**its.originals, path: name} if name else _without(its.originals, path)
                self.mods[other] = replace(its, originals=originals)

    def _pass_folders_on(self, gone: Installed) -> None:
        """Let folders that were made for a mod go with it, or with the other mod that has files in them."""
        for folder in gone.folders:
            heir = next((mod for mod, one in self.mods.items()
                         if any(folder in local_files.above(path) for path in one.files)), None)
            if heir:
                self.mods[heir] = replace(self.mods[heir], folders=(*self.mods[heir].folders, folder))
            else:
                self.emptied.add(folder)

    def _original(self, name: str) -> SmallFile:
        if name in self.kept:
            return next(iter(small_files.unpacked(self.kept[name]).values()))
        return mods_state.original(self.instance, name)

    def _there(self, path: str) -> SmallFile | None:
        return self.result[path] if path in self.result else self.places.present.get(path)

    # What came of it

    def files(self, others: Mapping[str, SmallFile | None], emptied: Iterable[str] = ()) -> Files:
        """Return what changes; others are files beside those of mods. Raises RefusedError for what needs FORCE=1."""
        if self.wrong:
            more = f"; and {len(self.wrong) - 5} more" if len(self.wrong) > 5 else ""
            raise RefusedError(f"{self.instance.name}: {'; '.join(self.wrong[:5])}{more}. Nothing was changed. FORCE=1 "
                               "replaces them, and keeps what was there until the mod goes")
        every = {**self.result, **others}
        put = {path: file for path, file in every.items() if file is not None and not self._is_same(path, file)}
        gone = tuple(sorted(path for path, file in every.items() if file is None and path in self.places.entries))
        return Files(put, gone, tuple(self.places.made_for(put)),
                     tuple(sorted({*self.emptied, *emptied}, key=lambda folder: (-folder.count("/"), folder))),
                     self.places.folder_mode, *self.places.owner)

    def _is_same(self, path: str, file: SmallFile) -> bool:
        there = self.places.present.get(path)
        return there is not None and (there.content, there.mode, Decimal(there.time or 0)) == \
            (file.content, file.mode, Decimal(file.time or 0))

    def lost(self) -> dict[str, SmallFile]:
        """Return the files that were changed by hand and are changed or removed now."""
        return {path: file for path, file in self.saved.items()
                if path in self.result and (self.result[path] is None or self.result[path].content != file.content)}

    def kept_owners(self) -> dict[str, str]:
        """Return whose file is where several mods have one."""
        return {path: mod for path, mod in sorted(self.owners.items())
                if sum(path in one.files for one in self.mods.values()) > 1}


def digest(file: SmallFile) -> str:
    return hashlib.sha256(file.content).hexdigest()


def _without(values: Mapping[str, str], path: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != path}
