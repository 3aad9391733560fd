"""One Tiki installation as its env file describes it."""

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from scripts.errors import RegistryError
from scripts.hosts.host import Host
from scripts.hosts.local import LocalHost
from scripts.registry import admitted
from scripts.registry.schema import described
from scripts.registry.settings import Settings

NAME_PATTERN = r"[a-z0-9][a-z0-9-]*"
ABSOLUTE = r"/.*[^/].*"
DAYS_IN = {"d": 1, "w": 7, "m": 31}
STAGES = ("production", "acceptance", "test", "development")  # from the top down
KINDS = ("failover", "office", "demo", "before", "debug")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One Tiki: where it runs, how it is reached, what is special about it.

    Every field with a help text is a key of the env file. settings is the toolkit's.
    """

    name: str
    settings: Settings
    access: str = described("local", choices=("local", "ssh"),
                            help="Where the instance runs: local, or ssh (then set SSH_HOST).")
    ssh_host: str = described("", pattern=r"[A-Za-z0-9][A-Za-z0-9.:_-]*", wants="a host name or address",
                              help="The host's name or address, as you would give it to ssh.")
    ssh_user: str = described("", pattern=r"[A-Za-z0-9_][A-Za-z0-9._@-]*", wants="an account name",
                              help="The account on the host; the site's owner is best. Default: what ssh decides.")
    ssh_port: int = described(22, help="The port of sshd.")
    ssh_key: str = described("", help="A private key file on the manager. Default: what ssh decides.")
    run_as: str = described("", pattern=r"[A-Za-z0-9_][A-Za-z0-9._-]*", wants="an account name",
                            help="The account that owns the site, entered by sudo -n; empty: the one that logs in.")
    web_root: str = described(pattern=ABSOLUTE, wants="an absolute path",
                              help="The folder the web server serves, on the instance's host.")
    web_url: str = described("", pattern=r"https?://\S+", wants="an http or https address",
                             help="The address visitors use.")
    php: str = described("php", help="The PHP command-line program on the host that suits this Tiki.")
    site: str = described("", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*", wants="a site name of db/virtuals.inc",
                          help="The virtual site of a multi-tiki (a name in db/virtuals.inc); empty is the main one.")
    stage: str = described("", choices=("", *STAGES),
                           help="production, acceptance, test or development. What changes a production site "
                                "asks for CONFIRM=name.")
    parent: str = described("", pattern=NAME_PATTERN, wants="an instance's name",
                            help="The instance this one is derived from.")
    protected: bool = described(False, help="yes: whatever overwrites this instance asks for CONFIRM=name.")
    tags: tuple[str, ...] = described((), help="Words to select by, with commas: INSTANCE=tag:word takes all that "
                                               "have it.")
    extra_paths: tuple[str, ...] = described((), help="Further folders on the host that belong to the site, with "
                                                      "commas; the file stores named in the database are found "
                                                      "without it.")
    exclude: tuple[str, ...] = described((), help="What a backup leaves out, with commas: paths below the web root, "
                                                  "as in files/video or img/wiki_up/*.tmp.")
    data_root: str = described("", pattern=ABSOLUTE, wants="an absolute path",
                               help="Where restore puts data folders that lay outside the web root of another "
                                    "instance. Default: the web root's path with -data behind it.")
    compress: str = described("", choices=("", "bz2", "zst"), help="bz2 or zst, for this instance alone.")
    keep: int | None = described(None, help="Keep this many archives, for this instance alone.")
    no_index: bool = described(False, help="yes: leave the search index (index_* tables) out of the dump; restore "
                                           "builds it anew.")
    db_host: str = described("", help="Database server of a blank: name, name:port or a socket's path. A living "
                                      "Tiki says it itself in db/local.php.")
    db_name: str = described("", help="Database of a blank.")
    db_user: str = described("", help="Database account of a blank.")
    db_pass: str = described("", help="Password of that account; the file must then be mode 0600.")
    mirror_of: str = described("", pattern=NAME_PATTERN, wants="an instance's name",
                               help="The instance this one follows at a distance; its archives are kept as long as "
                                    "this needs them.")
    mirror_delay: str = described("", pattern=r"[1-9]\d{0,3}[dwm]", wants="days, weeks or months, as in 1d, 1w, 1m",
                                  help="How far behind: 1d, 1w, 1m (a month is 31 days).")
    kind: str = described("", choices=("", *KINDS),
                          help="What a clone is for: failover, office, demo, before (how it was before an upgrade) or "
                               "debug.")
    expires: str = described("", pattern=r"\d{4}-\d\d-\d\d", wants="a day, as in 2027-01-31",
                             help="From this day on the clone is a finding of make doctor, as in 2027-01-31.")
    restrict_allow: tuple[str, ...] = described((), check=admitted.networks,
                                                help="Who may see the site: addresses and networks, with commas, as in "
                                                     "10.0.0.0/8. make restrict writes this key and the next two.")
    restrict_users: tuple[str, ...] = described((), check=admitted.logins,
                                                help="Who may see the site: login:hash, with commas, hashes of "
                                                     "passwords alone (bcrypt); the file must then be mode 0600.")
    restrict_both: bool = described(False, help="yes: an address of RESTRICT_ALLOW and a login are both asked for; "
                                                "otherwise one of them is enough.")
    profiles: tuple[str, ...] = described((), help="Profiles that make reinstall applies, with commas: names in "
                                                   "PROFILE_REPOSITORY, or YAML files of the manager.")
    profile_repository: str = described("", help="Where they are from: a folder of the manager, a repository's name or "
                                                 "URL. Default: profiles.tiki.org.")
    contact: str = described("", help="Who answers for this site: a name or an address.")

    def __post_init__(self) -> None:
        if self.access == "ssh" and not self.ssh_host:
            raise RegistryError(f"{self.name}: ACCESS=ssh needs SSH_HOST: {self.name}.env says how to reach nothing")
        if self.web_root != "/":
            object.__setattr__(self, "web_root", self.web_root.rstrip("/"))

    @cached_property
    def host(self) -> Host:
        """The place where this instance's commands run."""
        if self.access == "local" and not self.run_as:
            return LocalHost(self.name)
        if self.access == "local":
            from scripts.hosts.sudo import AccountHost
            return AccountHost(self.name, self.run_as)
        from scripts.hosts.ssh import SshHost, socket_folder  # here: a table of sites asks no host
        return SshHost(self.name, self.ssh_host, socket_folder(str(self.settings.state / "ssh")),
                       user=self.ssh_user or None, port=self.ssh_port,
                       key=os.path.expanduser(self.ssh_key) or None, host_keys=self.settings.host_keys,
                       known_hosts=self.settings.known_hosts or None, account=self.run_as or None)

    @property
    def place(self) -> tuple[str, int, str, str]:
        """Where the site is, to tell whether two names mean one site."""
        return (self.ssh_host or "local", self.ssh_port if self.ssh_host else 0, self.web_root, self.site)

    @property
    def mirror_distance(self) -> timedelta | None:
        """How far this instance stays behind the one it mirrors."""
        if not self.mirror_of or not self.mirror_delay:
            return None
        return timedelta(days=int(self.mirror_delay[:-1]) * DAYS_IN[self.mirror_delay[-1]])

    @property
    def guarded(self) -> bool:
        """Whether overwriting this instance wants CONFIRM=name."""
        return self.protected or self.stage == "production"

    def with_(self, **changes: object) -> "Instance":
        """Return a copy with some fields changed."""
        return replace(self, **changes)
