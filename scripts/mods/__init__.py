"""TikiMods as data: control files, indexes, archives, what needs what, and where mods come from."""
