"""What the tests of check and watch share: a site with administrators, forty ways to change it, and what is normal."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.lab.accounts import give_to, lab_user
from tests.lab.forked import Ended
from tests.lab.sample_tiki import SampleTiki
from tests.lab.update_fixtures import Site
from tests.lab.web import fetch

SHELL = "<?php @eval($_POST['c']);\n"
ADMIN_TABLES = """
DROP TABLE IF EXISTS users_groups;
CREATE TABLE users_groups (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, groupName varchar(100));
CREATE TABLE users_usergroups (userId int, groupName varchar(100), expire int DEFAULT NULL,
 PRIMARY KEY (userId, groupName));
CREATE TABLE users_grouppermissions (groupName varchar(100), permName varchar(40), value char(1) DEFAULT '');
CREATE TABLE tiki_group_inclusion (groupName varchar(100), includeGroup varchar(100));
CREATE TABLE tiki_scheduler (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(255), task varchar(255),
 params text, run_time varchar(255), status varchar(10));
CREATE TABLE tiki_user_watches (event varchar(40), object varchar(200), email varchar(200));
INSERT INTO users_groups (groupName) VALUES ('Anonymous'), ('Registered'), ('Admins');
INSERT INTO users_usergroups (userId, groupName) VALUES (1, 'Admins'), (2, 'Registered');
INSERT INTO users_grouppermissions (groupName, permName) VALUES ('Admins', 'tiki_p_admin'),
 ('Anonymous', 'tiki_p_view');
INSERT INTO tiki_group_inclusion VALUES ('Registered', 'Anonymous');
"""
# The frame that Smarty 3.1 puts around what it compiles, around a few lines of the sample's template.
COMPILED = """<?php
/* Smarty version 3.1.48, created on 2026-11-21 19:27:00
  from '{root}/templates/tiki-index.tpl' */

/* @var Smarty_Internal_Template $_smarty_tpl */
if ($_smarty_tpl->_decodeProperties($_smarty_tpl, array (
  'version' => '3.1.48',
  'unifunc' => 'content_6b01f0846e6bf5_25902861',
  'has_nocache_code' => false,
  'file_dependency' =>
  array (
    '86ec0722091595e8219ba1814111e05b4020d8ea' =>
    array (
      0 => '{root}/templates/tiki-index.tpl',
      1 => 1795250468,
      2 => 'file',
    ),
  ),
  'includes' =>
  array (
    'file:find.tpl' => 1,
  ),
),false)) {{
function content_6b01f0846e6bf5_25902861 (Smarty_Internal_Template $_smarty_tpl) {{
$_smarty_tpl->_checkPlugins(array(0=>array('file'=>'{root}/lib/smarty_tiki/block.tr.php',\
'function'=>'smarty_block_tr',),));
?>
<h1><?php echo call_user_func_array($_smarty_tpl->registered_plugins[ 'modifier' ][ 'escape' ][ 0 ], array( \
$_smarty_tpl->tpl_vars['title']->value ));?></h1>
<?php if (count($_smarty_tpl->tpl_vars['rows']->value) > 1 && (!isset($_REQUEST['page']) || \
in_array($_REQUEST['page'], $_smarty_tpl->tpl_vars['rows']->value))) {{ \
$_smarty_tpl->_subTemplateRender("file:find.tpl", $_smarty_tpl->cache_id, \
$_smarty_tpl->compile_id, 0, $_smarty_tpl->cache_lifetime, array('find'=>"x"), 0, false);
}}
}}
}}
"""
TEMPLATE = "temp/templates_c/en^86ec0722091595e8219ba1814111e05b4020d8ea_0.file.tiki-index.tpl.php"


class Watched(Site):
    """A site whose own design was accepted, so that nothing is found."""

    def prepared(self) -> Watched:
        self.sample.sql(ADMIN_TABLES)
        self.sample.sql("INSERT IGNORE INTO users_users (userId, login) VALUES (1, 'admin'), (2, 'ann')")
        return self

    def settled(self) -> Watched:
        self.prepared()
        self.run("check", accept="all")
        assert self.findings() == {}
        return self

    def check(self, **words: str) -> Ended:
        return self.run("check", json="1", **words)

    def findings(self, **words: str) -> dict[str, set[str]]:
        """Return the kinds of what is found, by name."""
        ended = self.check(**words)
        assert ended.code in (0, 10), ended.stderr
        found: dict[str, set[str]] = {}
        for one in json.loads(ended.stdout)[0]["findings"]:
            found.setdefault(one["name"], set()).add(one["kind"])
        return found

    def put(self, path: str | bytes, text: str | bytes, mode: int = 0o644) -> Path:
        place = Path(os.fsdecode(os.fsencode(self.root) + b"/" + os.fsencode(path)))
        made = [folder for folder in place.parents if not folder.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        place.chmod(mode)
        give_to(lab_user(), *made, place)
        return place

    def use(self) -> None:
        """Do what visitors and editors of a living site do."""
        sample, url = self.sample, self.sample.url
        assert fetch(f"{url}tiki-editpage.php?page=HomePage&edit=new+words").body == "saved"
        assert fetch(f"{url}tiki-index.php").status == 200
        self.put("files/report 2026.pdf", b"%PDF-1.4 \x00\x01")
        self.put("files/a\nletter.txt", "of two lines")
        self.put("img/wiki_up/holiday.jpg", b"\xff\xd8\xff\xe0 picture")
        self.put("storage/public/h5p/content/1.json", "{}")
        self.put("dump/HomePage.tar", b"tar")
        self.put(".well-known/acme-challenge/0Vx", "token")
        self.put(TEMPLATE, COMPILED.format(root=self.root))
        self.put("temp/cache/0cc175b9c0f1b6a831c399e269772661", 'a:1:{i:0;s:12:"tiki_p_admin";}')
        self.put("temp/public/min_0123.js", "var a = 1;")
        self.put("temp/unified-index/segments_1", b"\x00")
        self.put("files/podcasts/index.php", "")    # as Tiki makes it in a new folder
        (sample.outside / "fgal" / "0cc175b9c0f1b6a831c399e269772661").write_bytes(b"\x00 any <?php content")
        (sample.outside / "fgal/a\nb").write_bytes(b"x")
        sample.sql("INSERT INTO tiki_preferences (name, value) VALUES ('lastUpdatePrefs', '7'), ('sitetitle', 'Ours'); "
                   "INSERT INTO users_users (login) VALUES ('guest'); "
                   "INSERT INTO users_usergroups (userId, groupName) VALUES (LAST_INSERT_ID(), 'Registered')")


Act = Callable[[Watched], object]
SEEN_BY_NONE = 0o311    # the web server runs what is in such a folder, when it is asked for by name


def _edited(path: str, change: Callable[[bytes], bytes]) -> Act:
    """Change a file and let it look as before: of the same time and mode."""
    def act(site: Watched) -> None:
        place = site.root / path
        before = place.stat()
        place.write_bytes(change(place.read_bytes()))
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    return act


def _linked(path: str, target: str) -> Act:
    def act(site: Watched) -> None:
        place = site.root / path
        if place.exists():
            place.rename(f"{place}.away") if place.is_dir() else place.unlink()
        place.symlink_to(target)
    return act


def _put(path: str | bytes, text: str = SHELL, mode: int = 0o644) -> Act:
    return lambda site: site.put(path, text, mode)


def _mode(path: str, mode: int) -> Act:
    return lambda site: (site.root / path).chmod(mode)


def _shut(path: str) -> Act:
    """Put something into a folder that can be passed and not listed."""
    def act(site: Watched) -> None:
        site.put(path, SHELL).parent.chmod(SEEN_BY_NONE)
    return act


def _sql(text: str) -> Act:
    return lambda site: site.sample.sql(text)


def _owned(site: Watched) -> None:
    """Let a file belong to somebody else; who is not root has only his groups to give it to."""
    groups = [one for one in os.getgroups() if one != (site.root / PLUGINS[5]).stat().st_gid]
    os.chown(site.root / PLUGINS[5], 0 if os.geteuid() == 0 else -1, -1 if os.geteuid() == 0 else groups[0])


PLUGINS = [f"lib/wiki-plugins/wikiplugin_{number:04}.php" for number in range(0, 20, 3)]
EARLY: dict[str, tuple[Act, str, set[str]]] = {
    "a web shell before the first look": (_put("lib/wiki-plugins/wikiplugin_x.php"),
                                          "lib/wiki-plugins/wikiplugin_x.php",
                                          {"new"}),
    "code in a shipped file before it": (_edited(PLUGINS[0], lambda text: text + SHELL.encode()),
                                         PLUGINS[0], {"changed"}),
    "a shell among pictures before it": (_put("img/wiki_up/old.php"), "img/wiki_up/old.php", {"upload"}),
    "a generated file that is none before it": (_put("temp/templates_c/old.tpl.php"), "temp/templates_c/old.tpl.php",
                                                {"cache"}),
}
"""What was there before anybody looked, each with the name and the kinds it must be found by."""

LATER: dict[str, tuple[Act, str, set[str]]] = {
    "equal size and time": (_edited(PLUGINS[1], lambda text: text[:-2] + b"X\n"), PLUGINS[1], {"changed"}),
    "one byte more": (_edited("templates/tiki-index.tpl", lambda text: text + b" "),
                      "templates/tiki-index.tpl", {"changed"}),
    "an emptied file": (_edited("setup.sh", lambda text: b""), "setup.sh", {"changed"}),
    "a removed file": (lambda site: (site.root / "robots.txt").unlink(), "robots.txt", {"removed"}),
    "a removed guard among data": (lambda site: (site.root / "img/wiki/index.php").unlink(),
                                   "img/wiki/index.php", {"removed"}),
    "a file for a folder": (lambda site: [(site.root / PLUGINS[2]).unlink(), (site.root / PLUGINS[2]).mkdir()],
                            PLUGINS[2],
                            {"changed"}),
    "a new page": (_put("tiki-x.php"), "tiki-x.php", {"new"}),
    "a hidden file": (_put("lib/.cache.php"), "lib/.cache.php", {"new"}),
    "a hidden folder": (_put("lib/.x/y.txt", "any"), "lib/.x/y.txt", {"new"}),
    "rules of PHP": (_put(".user.ini", "auto_prepend_file=/tmp/x"), ".user.ini", {"new"}),
    "a line break in a name": (_put(b"lib/a\nb.php"), "lib/a\nb.php", {"new"}),
    "a name that is no UTF-8": (_put(b"lib/\xff.php"), "lib/\udcff.php", {"new"}),
    "a shell among pictures": (_put("img/wiki_up/shell.php"), "img/wiki_up/shell.php", {"upload"}),
    "a picture that is none": (_put("img/wiki_up/a.php.jpg"), "img/wiki_up/a.php.jpg", {"upload"}),
    "capital letters": (_put("img/wiki/X.PhP"), "img/wiki/X.PhP", {"upload"}),
    "phtml": (_put("files/deeper/x.phtml"), "files/deeper/x.phtml", {"upload"}),
    "phar": (_put("storage/public/x.phar"), "storage/public/x.phar", {"upload"}),
    "php5": (_put("dump/x.php5"), "dump/x.php5", {"upload"}),
    "a blank at the end": (_put("files/x.php "), "files/x.php ", {"upload"}),
    "rules among pictures": (_put("img/wiki_up/.htaccess", "AddType application/x-httpd-php .jpg"),
                             "img/wiki_up/.htaccess",
                             {"upload"}),
    "rules of PHP among files": (_put("files/.user.ini", "x=y"), "files/.user.ini", {"upload"}),
    "a guard that does more": (_edited("files/index.php", lambda text: text + b"system($_GET['x']);"),
                               "files/index.php",
                               {"changed"}),
    "a guard of its own that does more": (_put("files/odd names/index.php", "<?php header('x'); passthru($_GET['x']);"),
                                          "files/odd names/index.php", {"upload"}),
    "a shell for certificates": (_put(".well-known/x.php"), ".well-known/x.php", {"upload"}),
    "a link out of the files": (_linked("files/links/secret", "../../db/local.php"), "files/links/secret", {"upload"}),
    "a link out by way of another": (lambda site: (_linked("files/links/up", ".")(site), _linked(
        "files/links/x.txt", "up/up/../../db/local.php")(site)), "files/links/x.txt", {"upload"}),
    "a shell outside the web root": (lambda site: (site.sample.outside / "fgal/x.php").write_text(SHELL),
                                     "", {"upload"}),
    "a shell in temp": (_put("temp/public/x.php"), "temp/public/x.php", {"cache"}),
    "rules in temp": (_put("temp/templates_c/.htaccess", "Require all granted"), "temp/templates_c/.htaccess",
                      {"cache"}),
    "a hidden file in temp": (_put("temp/.x", "any"), "temp/.x", {"cache"}),
    "a false template": (_put("temp/templates_c/en^x_0.file.x.tpl.php"),
                         "temp/templates_c/en^x_0.file.x.tpl.php", {"cache"}),
    "code after a template": (_edited(TEMPLATE, lambda text: text + SHELL.encode()), TEMPLATE, {"cache"}),
    "another container": (_put("temp/cache/container.php", "<?php return `$_GET[x]`;"),
                          "temp/cache/container.php", {"cache"}),
    "a folder that cannot be listed": (_shut("lib/shut/x.php"), "lib/shut", {"unreadable"}),
    "one among pictures": (_shut("img/wiki_up/shut/x.php"), "img/wiki_up/shut", {"unreadable"}),
    "one in temp": (_shut("temp/shut/x.php"), "temp/shut", {"unreadable"}),
    "a mode": (_mode(PLUGINS[3], 0o600), PLUGINS[3], {"mode"}),
    "a file for all to write": (_mode(PLUGINS[4], 0o666), PLUGINS[4], {"mode", "world-writable"}),
    "a folder for all to write": (_mode("lib/setup", 0o777), "lib/setup", {"mode", "world-writable"}),
    "an owner": (_owned, PLUGINS[5], {"owner"}),
    "a link for a file": (_linked(PLUGINS[6], "/etc/hostname"), PLUGINS[6], {"link"}),
    "a new link": (_linked("lib/x.php", "/etc/hostname"), "lib/x.php", {"new"}),
    "a link for a folder": (_linked("lib/mail", "mail.away"), "lib/mail", {"link"}),
    "the account": (_edited("db/local.php", lambda text: text + b"include '/etc/hostname';\n"), "db/local.php",
                    {"changed", "mode", "world-readable"}),
    "the account for all to read": (_mode("db/local.php", 0o644),
                                    "db/local.php", {"changed", "mode", "world-readable"}),
    "the web server's rules": (_edited(".htaccess", lambda text: text + b"\nRequire all granted\n"),
                               ".htaccess", {"changed"}),
    "an administrator": (_sql("INSERT INTO users_users (login) VALUES ('eve'); INSERT INTO users_usergroups (userId, "
                              "groupName) VALUES (LAST_INSERT_ID(), 'Admins')"),
                         "administrator:eve", {"administrator"}),
    "a group that includes another": (_sql("INSERT INTO tiki_group_inclusion VALUES ('Registered', 'Admins')"),
                                      "administrator:ann", {"administrator"}),
    "a right for everybody": (_sql("INSERT INTO users_grouppermissions (groupName, permName) VALUES ('Anonymous', "
                                   "'tiki_p_admin_wiki')"), "permission:Anonymous:tiki_p_admin_wiki", {"database"}),
    "a preference": (_sql("REPLACE INTO tiki_preferences (name, value) VALUES ('feature_wiki_allowhtml', 'y')"),
                     "preference:feature_wiki_allowhtml", {"database"}),
    "a right by its short name": (_sql("INSERT INTO users_grouppermissions (groupName, permName) VALUES ('Anonymous', "
                                  "'admin_trackers')"), "permission:Anonymous:tiki_p_admin_trackers", {"database"}),
    "a job": (_sql("INSERT INTO tiki_scheduler (name, task, params) VALUES ('x', 'ShellCommandTask', '{}')"), "job:x",
              {"database"}),
}


def missed(site: Watched, found: dict[str, set[str]], acts: dict[str, tuple[Act, str, set[str]]]) -> dict[str, object]:
    """Return what was changed and is not found as it should be."""
    def name_of(name: str) -> str:
        return name or str(site.sample.outside / "fgal/x.php")
    return {label: found.get(name_of(name)) for label, (_, name, kinds) in acts.items()
            if found.get(name_of(name)) != kinds}


def has_fgal(sample: SampleTiki) -> bool:
    return (sample.outside / "fgal").is_dir()
