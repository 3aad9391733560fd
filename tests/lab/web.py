"""Real web servers: Apache with PHP as its module, and PHP's own."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import NamedTuple

from tests.lab.accounts import lab_user
from tests.lab.processes import Server, answers, find_program, free_port

MODULE_PLACES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")
MODULES = (
    "mpm_prefork authn_core authn_file authz_core authz_host authz_user auth_basic"
    " alias deflate dir env expires filter headers mime rewrite setenvif vhost_alias"
)

CONFIG = """\
ServerRoot {folder}
ServerName 127.0.0.1
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Mutex file:{folder}
{identity}
{modules}
StartServers 1
MinSpareServers 1
MaxSpareServers 2
TypesConfig /etc/mime.types
<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
<FilesMatch "^\\.ht">
    Require all denied
</FilesMatch>
{compiled}
"""

# A test changes a file and looks at the page at once.
COMPILES_ANEW = """\
php_admin_flag opcache.enable Off
php_admin_value realpath_cache_ttl 0
"""

SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    DocumentRoot "{root}"
    <Directory "{root}">
        Options FollowSymLinks
        AllowOverride All
        Require all granted
        DirectoryIndex index.php index.html
    </Directory>
</VirtualHost>
"""

# As docs/show.md has it: the first label of the host's name is a show.
WILDCARD = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    UseCanonicalName Off
    VirtualDocumentRoot "{root}/%1/web"
    <Directory "{root}">
        Options FollowSymLinks
        AllowOverride All
        Require all granted
        DirectoryIndex index.php index.html
    </Directory>
</VirtualHost>
"""


class Apache:
    """Serves as the lab's user; serve() may be called while it runs."""

    def __init__(self, folder: Path, *, keeps_compiled: bool = False) -> None:
        """keeps_compiled: PHP looks for changes of a file every few seconds only, as in production."""
        self.folder, self.keeps_compiled = folder, keeps_compiled
        self._sites: dict[Path, int] = {}
        self._wildcards: set[Path] = set()
        self._server: Server | None = None

    def serve(self, root: Path) -> str:
        """Serve a folder, which need not exist yet, on a port of its own; return the URL."""
        if root not in self._sites:
            self._sites[root] = free_port()
            self._write_config()
            self._reload()
        return f"http://127.0.0.1:{self._sites[root]}"

    def serve_wildcard(self, root: Path) -> str:
        """Serve the folders web/ below the folders of root by the first label of the host's name; return the URL."""
        self._wildcards.add(root)
        return self.serve(root)

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None

    def _write_config(self) -> None:
        places = [Path(place) for place in MODULE_PLACES if Path(place).is_dir()]
        if not places or not (php := sorted(places[0].glob("libphp*.so"))):
            raise FileNotFoundError("Apache's PHP module not found; see conf/lab-packages.txt")
        modules = [
            f"LoadModule {name}_module {places[0]}/mod_{name}.so" for name in MODULES.split()
        ]
        kind = "php7" if php[-1].name.startswith("libphp7") else "php"
        modules.append(f"LoadModule {kind}_module {php[-1]}")
        identity = f"User {lab_user()}\nGroup {lab_user()}" if os.geteuid() == 0 else ""
        main = CONFIG.format(folder=self.folder, identity=identity, modules="\n".join(modules),
                             compiled="" if self.keeps_compiled else COMPILES_ANEW)
        sites = [(WILDCARD if root in self._wildcards else SITE).format(port=port, root=root)
                 for root, port in self._sites.items()]
        (self.folder / "apache.conf").write_text(main + "".join(sites))

    def _reload(self) -> None:
        if self._server:
            os.kill(self._server.pid, signal.SIGUSR1)  # graceful
        else:
            self._server = Server(
                [
                    find_program("apache2", "httpd"),
                    "-DFOREGROUND",
                    "-f",
                    str(self.folder / "apache.conf"),
                ],
                self.folder / "apache.log",
            )
        self._server.wait_until(lambda: all(answers(port) for port in self._sites.values()))


class PhpServer:
    """PHP's built-in web server: knows no .htaccess, as nginx does not."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root, self.log = root, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: Server | None = None

    def start(self) -> None:
        address = f"127.0.0.1:{self.port}"
        # As in Apache: a test changes a file and looks at the page at once.
        php = [find_program("php"), "-d", "opcache.enable=0"]
        self._server = Server([*php, "-S", address, "-t", str(self.root)], self.log)
        self._server.wait_until(lambda: answers(self.port))

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None


class Answer(NamedTuple):
    status: int
    headers: Message
    body: str


def fetch(url: str, headers: dict[str, str] | None = None) -> Answer:
    """Get a page, following redirections; 4xx and 5xx are answers like any other."""
    request = urllib.request.Request(url, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as response:
            return Answer(response.status, response.headers, _text(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, _text(error.read()))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")
