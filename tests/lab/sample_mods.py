"""Mods to try: written into the collection of a toolkit as a developer would, in two revisions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scripts.registry.settings import Settings
from scripts.steps import mods_collection

FIRST = """\
contributor:
$Author: somebody $

revision:
$Revision: 1.1 $

description:
Keeps guests
in a book

licence:
LGPL

version:
24

requires:
lib-paper>=1.0

configuration help:
The title stands above every page of the book.

configuration:
<b>Title</b>,book_title,Guests of $HTTP_HOST
Password of the book,book_pass,

help:
See it at guests.php

files:
features/book/guests.php guests.php
features/book/sample:conf.php lib/book/conf.php
features/book/book.tpl templates/book/book.tpl
features/book/nothing.txt lib/book/nothing.txt

sql-install:
CREATE TABLE book_guests (id int NOT NULL AUTO_INCREMENT, name varchar(200), PRIMARY KEY (id));
INSERT INTO book_guests (name) VALUES ('$book_title'), (MD5('$book_pass')), ('$unknown costs 5$');
INSERT INTO tiki_preferences (name, value) VALUES ('feature_book', 'y');
ALTER TABLE custom_types ADD COLUMN book int DEFAULT 7;

sql-remove:
DROP TABLE IF EXISTS book_guests;
DROP TABLE IF EXISTS book_pages;
DELETE FROM tiki_preferences WHERE name LIKE 'feature\\_book%' OR value = '$book_title';
ALTER TABLE custom_types DROP COLUMN book;
"""
THIRD = FIRST.replace("1.1 $", "1.3 $").replace("features/book/nothing.txt lib/book/nothing.txt\n",
                                                "features/book/more.php lib/book/more/more.php\n") + """
sql-upgrade:
:1.3
INSERT INTO book_pages VALUES (3, '$book_title');
:1.1
CREATE TABLE nobody_runs_this (id int);
:1.2
CREATE TABLE book_pages (id int PRIMARY KEY, title varchar(200));
INSERT INTO tiki_preferences (name, value) VALUES ('feature_book_pages', 'y');
"""
PAPER = """\
revision:
1.0

files:
lib/paper/paper.php lib/paper/paper.php
"""
FILES = {"features/book/guests.php": b"<?php // guests\n",
         "features/book/sample:conf.php": b"<?php $title = '[:::[book_title]:::]'; $pass = \"[:::[book_pass]:::]\";\n",
         "features/book/book.tpl": b"{$title}\n", "features/book/nothing.txt": b"",
         "features/book/more.php": b"<?php // more\n", "lib/paper/paper.php": b"<?php // paper\n"}
PASSWORD = "it's \"x\" \\ $HOME; DROP TABLE tiki_pages; --"
BOOK, PAPER_NAME = "features-book", "lib-paper"


def write(settings: Settings, mods: Mapping[str, str], files: Mapping[str, bytes] = FILES) -> Path:
    """Write control files, by the mod's name, and what they name; return the collection's folder."""
    folder = mods_collection.folder(settings)
    for path, content in {**{f"Packages/{mod}.info.txt": text.encode() for mod, text in mods.items()}, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def answers(folder: Path, title: str = "It's ours", password: str = PASSWORD) -> Path:
    """Write a file of answers that nobody else may read."""
    path = folder / "answers"
    path.write_text(f"book_title={title}\nbook_pass={password}\n")
    path.chmod(0o600)
    return path
