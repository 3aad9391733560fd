"""Toolkit-wide values from conf/settings.env; every one has a default that works."""

import io
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import RegistryError
from scripts.registry import env_file, schema
from scripts.registry.schema import described

ADDRESS = r"[^@\s,;<>\"()]+@[^@\s,;<>\"()]+"


def addresses(words: tuple[str, ...]) -> None:
    """Raise ValueError for a word that is no mail address."""
    for word in words:
        if not re.fullmatch(ADDRESS, word) or word.startswith("-"):
            raise ValueError(f"MAIL_TO: expected mail addresses with commas between, found {word!r}")


@dataclass(frozen=True)
class Settings:
    """The toolkit's own values. Folders may be relative to the toolkit's top folder."""

    top: Path
    archives_dir: str = described("var/archives", help="Where archives are kept. Give it its own disk if you can.")
    work_dir: str = described("var/work", help="Scratch space of backup, prove and restore, and of clones "
                                                 "between hosts.")
    state_dir: str = described("var", help="Locks, logs and status files.")
    compress: str = described("bz2", choices=("bz2", "zst"),
                              help="How archives are packed: bz2 (opens anywhere) or zst (many times faster).")
    full_read_days: int = described(7, help="A backup reads only files that changed by size, times, inode or owner; "
                                            "after so many days all are read, and all of the archive is unpacked. 0: "
                                            "each time.")
    keep: int | None = described(None, help="Keep this many archives of an instance instead of TRIM's rule "
                                            "(7 days all, Sundays 31 days, firsts of a month for ever).")
    stall_seconds: int = described(3600, help="A run in which nothing moves for this many seconds is ended as hung.")
    database_sessions: bool = described(True, help="no: every question to a database is a connection of its own. For "
                                                   "accounts that may have few at a time.")
    load_jobs: int | None = described(None, help="So many connections fill a database at once, 1 to 16; empty: "
                                                 "as many as its host has processors, 2 to 4; 1 with "
                                                 "DATABASE_SESSIONS=no.", maximum=16)
    host_keys: str = described("strict", choices=("strict", "accept-new"),
                               help="Unknown ssh host keys: strict refuses them, accept-new takes them unseen.")
    known_hosts: str = described("", help="Another known_hosts file than ssh's own.")
    unvisited_days: int = described(90, help="A clone that nobody has used for so many days is a finding of make "
                                             "doctor; 0: never.")
    prove_db: str = described("", help="An option file (mode 0600, [client] section) of a server that make prove may "
                                       "create databases on. Empty: a throw-away MariaDB is started for each proof.")
    cache_dir: str = described("var/cache", help="Prepared code, the git mirror, downloads: all can be made again.")
    mods_dir: str = described("var/mods-collection", help="The collection of mods: Packages, Dist, Cache and the mods' "
                                                          "files (docs/mods.md).")
    releases_dir: str = described("", help="A folder of Tiki's release files, as in tiki-24.4.tar.gz (.tgz, .tar.bz2, "
                                           ".tar.zst, .zip).")
    releases_url: str = described("", pattern=r"https?://\S+", wants="an http or https address",
                                  help="A web page that links such files.")
    git_remote: str = described("https://gitlab.com/tikiwiki/tiki.git", pattern=r"[^-\s]\S*", wants="a git address",
                                help="Where branches and releases are fetched from by git; empty: nowhere.")
    composer: str = described("composer", pattern=r"[^-\s]\S*", wants="a program",
                              help="The program that makes the vendor folder of code from git.")
    npm: str = described("npm", pattern=r"[^-\s]\S*", wants="a program",
                         help="The program that builds the scripts of code from git, from Tiki 27 on.")
    show_root: str = described("", pattern=r"/.*[^/].*", wants="an absolute path",
                               help="The folder of show sites on this machine (docs/show.md), best a disk of its own.")
    show_url: str = described("", pattern=r"https?://\*\.[A-Za-z0-9.-]+(:\d+)?",
                              wants="an address as in https://*.show.example.org",
                              help="Where shows are seen, as in https://*.show.example.org; the star is a show's id.")
    show_db_admin: str = described("", help="An option file (mode 0600, [client] section) of a server on which shows "
                                            "get their databases and accounts.")
    show_php: str = described("php", help="The PHP command-line program that suits the shows.")
    show_php_user: str = described("", pattern=r"[A-Za-z0-9_][A-Za-z0-9._-]*", wants="an account name",
                                   help="The account PHP runs as for shows, as in www-data. With it, TRIM runs as root "
                                        "and shows share code they cannot write; empty: TRIM's own account, and each "
                                        "show has a copy.")
    show_expires: str = described("7d", pattern=r"[1-9]\d{0,3}[hdw]", wants="hours, days or weeks, as in 12h, 7d, 2w",
                                  help="How long a show lives when nobody says it: hours, days or weeks.")
    show_max: int = described(50, help="There are never more shows than so many.")
    show_max_bytes: int = described(20_000_000_000, help="No show is made that would let all of them take more bytes.")
    show_keep: int = described(50, help="Keep so many last snapshots of shows that are gone. With fewer than "
                                             "SHOW_MAX, shows that go at the same time push out each other's.")
    show_maintenance: str = described("", help="While a reason stands here no show is made or changed; it is told to "
                                               "who asks.")

    mail_to: tuple[str, ...] = described((), check=addresses, help="Who is told when an unattended run fails, recovers "
                                         "or finds something: addresses with commas between.")
    mail_from: str = described("", pattern=ADDRESS, wants="one mail address",
                               help="The sender of mails; empty: trim@ and this machine's name.")
    smtp_host: str = described("", pattern=r"[^-\s/]\S*", wants="a host name or address",
                               help="The mail server that takes our mails; empty: the program SENDMAIL does.")
    smtp_port: int | None = described(None, help="Its port; empty: 25, with starttls 587, with tls 465.")
    smtp_security: str = described("starttls", choices=("none", "starttls", "tls"),
                                   help="How the way to the mail server is kept private; none is for this machine's "
                                        "own server.")
    smtp_ca_file: str = described("", help="Who vouches for the mail server's certificate; empty: the system's list.")
    smtp_user: str = described("", help="The login there, if it wants one.")
    smtp_pass_file: str = described("", help="A file (mode 0600) whose first line is the password of that login.")
    smtp_pass: str = described("", help="The password itself, if you want it here; then this file must be for you "
                                        "alone (mode 0600).")
    sendmail: str = described("sendmail", pattern=r"[^-\s]\S*", wants="a program",
                              help="The program that takes mails where SMTP_HOST is empty.")
    apprise_file: str = described("", help="A file (mode 0600) of Apprise addresses, one a line: chats and phones that "
                                           "are told what mails tell (docs/unattended.md).")
    ping_file: str = described("", help="A file (mode 0600) of addresses that unattended runs ping at start, success "
                                        "and failure, as healthchecks.io wants it (docs/unattended.md).")
    repeat_hours: int = described(20, help="The same failure is told again after so many hours; 0: each time.")
    wait_seconds: int = described(600, help="So long an unattended run waits for a busy site before it gives up; WAIT= "
                                            "says it for one run.")
    nice: int = described(0, maximum=19, help="Unattended runs leave the processor to others: 0 (not at all) to 19.")
    ionice: str = described("none", choices=("none", "low", "idle"),
                            help="Unattended runs leave this machine's disks to others: none, low or idle.")
    bwlimit: str = described("", pattern=r"\d+(\.\d+)?[kKmM]?", wants="kilobytes a second, as in 500, or 1.5m",
                             help="Trees travel to and from other hosts, and dumps from them, no faster than so many "
                                  "kilobytes a second.")
    backup_hours: int = described(26, help="A site without a good backup for so many hours is told of (make status, "
                                           "make doctor); a daily run, and two hours for a slow night.")
    log_days: int = described(90, help="Logs of runs are kept so many days.")

    def place(self, folder: str) -> Path:
        """Return one of the folders above as an absolute path."""
        return self.top / folder

    @property
    def archives(self) -> Path:
        return self.place(self.archives_dir)

    @property
    def work(self) -> Path:
        return self.place(self.work_dir)

    @property
    def cache(self) -> Path:
        return self.place(self.cache_dir)

    @property
    def state(self) -> Path:
        return self.place(self.state_dir)


def salvaged(top: Path) -> Settings:
    """Return what can be read of settings that cannot be loaded, so that somebody can be told of that; no secret."""
    known, values = schema.keys(Settings), {}
    with suppress(OSError):
        for binding in env_file.parse_stream(io.StringIO((top / "conf" / "settings.env").read_text(errors="replace"))):
            if binding.key in known and binding.key not in env_file.SECRET_KEYS and binding.value is not None:
                with suppress(RegistryError):
                    schema.convert(known[binding.key], binding.key, binding.value, "")
                    values[binding.key] = env_file.Value(binding.value, "")
    return schema.load(Settings, values, "", top=top)


def load(top: Path) -> Settings:
    """Return the settings; a missing file means every default."""
    path = top / "conf" / "settings.env"
    values = env_file.read(path, schema.keys(Settings)) if path.exists() else {}
    return schema.load(Settings, values, str(path), top=top)
