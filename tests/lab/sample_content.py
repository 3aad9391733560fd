"""The database content of a sample site: ordinary rows, and values that break careless tools."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.lab.mariadb import literal

ALL_BYTES = bytes(range(256))
NASTY_TEXTS = [
    "",
    'it\'s "quoted" with `ticks` and back\\slashes \\\' \\" \\\\ \\0 \\n',
    "a row inside a string: (1,'x'),(2,'y');\nDROP TABLE tiki_pages;\n",
    "-- Dump completed on 2001-01-01  0:00:00",
    "first\nsecond\r\nthird\rfourth\ttab\x1a end",
    "/*!40101 SET NAMES latin1 */; -- # comment",
    "Grüße, Ελληνικά, 日本語, עברית",
    "NULL",
    "CREATE TABLE `trap` (\n  ENGINE=MyISAM DEFAULT CHARSET=utf8 DEFINER=`root`@`localhost`\n)",
    "x" * 70_000,
]
EMOJI = "four bytes: 😀 𝄞"  # utf8mb4 only

# Tables of the site's own: without a key, with UTF-8 bytes in latin1, with the column types Tiki's
# do not have. The last makes old sites a mixture of engines, as they are.
OWN_TABLES = """
CREATE TABLE custom_log (line text, at int) ENGINE={engine};
INSERT INTO custom_log VALUES ('same', 1), ('same', 1), (NULL, NULL), ('', 0);

CREATE TABLE custom_old_notes (id int PRIMARY KEY, note varchar(200)) ENGINE={engine} CHARSET=latin1;
INSERT INTO custom_old_notes VALUES (1, _latin1 X'4772c3bcc39f65'), (2, _latin1 X'ff00fe');

CREATE TABLE custom_types (
  id bigint PRIMARY KEY, flag bit(1), bits bit(12), fixed binary(4), free varbinary(300), ratio float,
  exact double, price decimal(20,6), big bigint unsigned, moment datetime(6), stamp timestamp NULL,
  span time, year year, kind enum('', 'it''s', 'b,c'), tags set('a','b'), extra json,
  doubled bigint GENERATED ALWAYS AS (id * 2) STORED
) ENGINE=InnoDB;
INSERT INTO custom_types
  (id, flag, bits, fixed, free, ratio, exact, price, big, moment, stamp, span, year, kind, tags, extra)
VALUES
  (-4611686018427387904, b'0', b'101010101010', X'00ff0027', {all_bytes}, -1.5e-10, 0.1, -12345.678901,
   18446744073709551615, '2024-02-29 23:59:59.999999', '2024-03-31 01:30:00', '-838:59:59', 1901, 'it''s', 'a,b',
   '{{"a": [1, "\\\\"quoted\\\\"", null]}}'),
  (0, b'1', b'0', X'00000000', '', 3.4e38, 1e-300, 0, 0, '0000-00-00 00:00:00', '1970-01-02 00:00:01',
   '00:00:00', 2155, '', '', '[]'),
  (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


class Content:
    """Collects the statements that make one site's content."""

    def __init__(self, *, modern: bool) -> None:
        self.modern = modern  # has the tables and the charset that came after Tiki 12
        self._statements: list[str] = []

    def sql(self) -> str:
        return ";\n".join(self._statements) + ";\n"

    def add(self, table: str, **values: object) -> None:
        # A column named as a keyword of Python comes as pass_.
        columns = ", ".join(f"`{name.rstrip('_')}`" for name in values)
        row = ", ".join(_value(value) for value in values.values())
        self._statements.append(f"REPLACE INTO `{table}` ({columns}) VALUES ({row})")

    def add_preferences(self, **values: str) -> None:
        for name, value in values.items():
            self.add("tiki_preferences", name=name, value=value)

    def add_all(self, title: str, url: str, versions: int) -> None:
        self._add_pages(title, versions)
        self._add_people()
        self._add_what_acts_on_its_own()
        self.add_preferences(
            browsertitle=title,
            fallbackBaseUrl=url,
            sender_email="wiki@example.org",
            unified_elastic_url="http://search.example.org:9200",
            zend_mail_handler="smtp",
            zend_mail_smtp_server="mail.example.org",
        )
        engine = "InnoDB" if self.modern else "MyISAM"
        own = OWN_TABLES.format(engine=engine, all_bytes=_value(ALL_BYTES))
        self._statements.append(own.strip().removesuffix(";"))

    def _add_pages(self, title: str, versions: int) -> None:
        home = f'Welcome to {title}.\n{{img fileId="1"}}\nAttached: {{file fileId="2"}}\n'
        self.add(
            "tiki_pages", pageName="HomePage", data=home, version=versions, user="admin", ip="::1"
        )
        texts = [*NASTY_TEXTS, EMOJI] if self.modern else NASTY_TEXTS
        for number, text in enumerate(texts):
            self.add("tiki_pages", pageName=f'Über "page" {number}\'s', data=text, pageRank=-1.5)
        self.add("tiki_pages", pageName="No text", data=None)
        for version in range(1, versions):
            data = f"version {version}\n".encode() * 50 + ALL_BYTES
            self.add(
                "tiki_history", pageName="HomePage", version=version, data=data, lastModif=version
            )

    def _add_people(self) -> None:
        self.add("users_users", login="ann", email="ann@example.org", avatarData=ALL_BYTES * 3)
        self.add("users_usergroups", userId=2, groupName="Registered")
        self.add("tiki_trackers", name="Bugs", description="")
        for number, text in enumerate(NASTY_TEXTS[:6]):
            self.add(
                "tiki_comments", object="1", objectType="forum", title=f"Re: {number}", data=text
            )

    def _add_what_acts_on_its_own(self) -> None:
        """What a clone must not carry on with: mails to send, sessions, tokens, jobs."""
        self.add("tiki_mail_queue", message="To: everybody@example.org\n\nonce only")
        self.add("tiki_mailin_accounts", account="support", pass_="imap secret", active="y")
        self.add("tiki_newsletters", name="Monthly", author="admin", lastSent=-1)
        self.add("tiki_newsletter_subscriptions", nlId=1, email="reader@example.org", valid="y")
        self.add("tiki_user_watches", user="ann", event="wiki_page_changed", object="HomePage", email="ann@example.org")
        self.add("sessions", sesskey="a" * 32, expiry=4_294_967_295, data=b"\0serialized\0")
        self.add("tiki_sessions", sessionId="b" * 32, user="ann", timestamp=1)
        self.add("tiki_auth_tokens", token="c" * 32, email="ann@example.org")
        self.add("tiki_actionlog", action="Updated", object="HomePage", user="ann", ip="192.0.2.1")
        if self.modern:
            self.add(
                "tiki_scheduler", name="Mails", task="ConsoleCommandTask", run_time="* * * * *"
            )
            self.add("tiki_user_login_cookies", userId=2, secret="d" * 64)
            self.add("tiki_api_tokens", user="ann", token="e" * 40)


class Stores:
    """Writes the files that are kept beside the database, and the rows that point to them."""

    def __init__(self, folder: Path, outside: Path, content: Content) -> None:
        self.folder, self.outside, self.content = folder, outside, content

    def write_all(self, missing_folder: bool) -> None:
        self._write_file_gallery(self.outside / "fgal")
        wiki = self._store(self.outside / "wiki att", b"wiki attachment " + ALL_BYTES)
        self.content.add_preferences(w_use_db="n", w_use_dir=str(self.outside / "wiki att"))
        self.content.add("tiki_wiki_attachments", page="HomePage", filename="notes.txt", path=wiki)
        tracker = self._store(self.folder / "files/trackers", b"tracker attachment")
        self.content.add_preferences(t_use_db="n", t_use_dir="files/trackers")
        self.content.add("tiki_tracker_item_attachments", filename="a.txt", path=tracker)
        forum = self.outside / "forum"
        path = self._store(forum, b"forum attachment")
        self.content.add("tiki_forums", name="In the database", att_store="db", att_store_dir="")
        place = str(forum) + "/"
        self.content.add("tiki_forums", name="On disk", att_store="dir", att_store_dir=place)
        self.content.add(
            "tiki_forum_attachments", forumId=2, filename="f.txt", dir=place, path=path
        )
        if missing_folder:
            self.content.add_preferences(uf_use_db="n", uf_use_dir=str(self.outside / "user files"))

    def _write_file_gallery(self, fgal: Path) -> None:
        picture = b"\x89PNG\r\n\x1a\n" + ALL_BYTES * 40
        stored = {
            "logo.png": picture,
            'it\'s a "file".pdf': b"%PDF-1.4\n" + ALL_BYTES,
            "empty": b"",
        }
        for name, data in stored.items():
            kind = "image/png" if name.endswith("png") else "application/pdf"
            self._add_file(name, data, filetype=kind, path=self._store(fgal, data))
        self._add_file(
            "in the database", ALL_BYTES, filetype="application/octet-stream", data=ALL_BYTES
        )
        draft = b"a draft of the logo"
        self.content.add("tiki_file_drafts", fileId=1, user="ann", path=self._store(fgal, draft))
        self.content.add_preferences(fgal_use_db="n", fgal_use_dir=str(fgal) + "/")

    def _add_file(self, name: str, content: bytes, **values: object) -> None:
        size = len(content)
        self.content.add(
            "tiki_files", galleryId=1, name=name, filename=name, filesize=size, **values
        )

    def _store(self, folder: Path, content: bytes) -> str:
        """Write one file as Tiki does, under 32 hex digits, and return that name."""
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.md5(content).hexdigest()
        (folder / name).write_bytes(content)
        return name


def _value(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    return literal(value) if isinstance(value, str) else str(value)
