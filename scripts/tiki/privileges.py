"""Who may do everything in a Tiki, and the preferences that decide over code, logins and what is let in.

Decides only, from rows of the site's database: a step runs `COLUMNS` and then `queries` and gives the rows back.
Source: tiki.sql and lib/prefs of 12 to 24.4; Tiki's own security advice.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from scripts.tiki.expected import MOVING_PREFERENCES, is_secret_preference

PREFIX = "tiki_p_"          # a right without it counts as one with it (lib/core/Perms/ResolverFactory)
ALL_RIGHTS = f"{PREFIX}admin"
TABLES = ("users_users", "users_groups", "users_usergroups", "users_grouppermissions", "tiki_group_inclusion",
          "tiki_preferences", "tiki_scheduler")
COLUMNS = ("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND "
           f"table_name IN ({', '.join(repr(table) for table in TABLES)})")
ADMINS = "Admins"           # Tiki's own group, which has all rights by its name
NOBODY = ("Anonymous", "Registered")
# Rights with which more than content can be changed.
POWERS = re.compile(r"tiki_p_(?:admin\w*|plugin_approve|trust_input|edit_html|use_HTML|search_replace|execute_\w+|"
                    r"import\w*|edit_templates|edit_content_templates|scheduler\w*|view_trackers_admin|detach_\w+|"
                    r"modify_object_categories|assign_perm\w*|clean_cache|edit_languages|batch_\w+)", re.IGNORECASE)
# What lets code in or says what is run, who gets in and how, and where mail and files go.
TELLING = re.compile(r"""
    auth_\w+ | allowRegister | validate\w+ | (?:use)?[rR]egisterPasscode | eponymousGroups | login_\w+
  | pass_\w+ | min_pass_length | change_password | forgotPass | rememberme | cookie_(?:name|domain|path|refresh\w*)
  | session_\w+ | https_\w+ | (?:feature_)?intertiki\w* | (?:openid|oauth|cas|saml|ldap|shib)\w* | twoFactor\w*
  | user_(?:force|must)\w+
  | smarty_security\w* | smarty_compilation | wikiplugin_(?:php|js|html|jq|rr|snarf|lsdir|datachannel|dbreport
    |webservice)
  | wikiplugininline_\w+ | pluginalias\w* | feature_(?:\w*allowhtml|htmlpurifier_output|webdav|xmlrpc|mailin
    |scheduler\w*|sefurl_routes|debug_console|tikitests|mods\w*|editcss|edit_templates|view_tpl|custom_\w+|endbody_code|html_head\w*
    |site_\w*code|webservices|integrator|html_pages|file_galleries_batch|banning|clear_passwords|antibot|switch_ssl_mode)
  | \w+_custom_(?:js|code|head\w*) | (?:header|bot)_(?:custom|shadow)_\w+ | site_(?:piwik|google|matomo)\w*
  | theme_custom_url | fgal_(?:use_d\w+|podcast_dir|batch_dir|n?match_regex|allow\w*|upload_from\w*)
  | gal_(?:use_d\w+|n?match_regex|batch_dir) | (?:w|t|uf)_use_d\w+ | \w+_(?:ffmpeg|ffprobe|gs|unoconv|gpg|tesseract
    |pdfimages|weasyprint|webkit|wkhtmltopdf|pdftotext|php)_path | tmpDir | ids_(?:enabled|mode|custom\w+)
  | tikiIndex | permission_denied_url | url_after_validation | api\w* | access_control_\w+ | sender_email
  | zend_mail_\w+ | proxy_\w+ | packages_required | profile_sources | multidomain_\w+ | fallbackBaseUrl
  | http_header_\w+ | tiki_allow_trust_input | tiki_check_file_content | site_closed | h5p_(?:custom|whitelist|dev)\w*
""", re.VERBOSE)

Rows = Mapping[str, Sequence[Sequence[str | None]]]
Told = dict[str, str]
"""What is watched in a database: by a name such as `administrator:ann`, what stands there."""


def queries(columns: Iterable[Sequence[str | None]]) -> dict[str, str]:
    """Return the questions to this database by key, three columns each; columns are the rows of COLUMNS."""
    known = {(str(table), str(column)) for table, column in columns}
    tables = {table for table, _ in known}
    asked = {}
    if {"users_users", "users_usergroups"} <= tables:
        alive = " WHERE g.expire IS NULL OR g.expire = 0 OR g.expire > UNIX_TIMESTAMP()" \
            if ("users_usergroups", "expire") in known else ""
        asked["members"] = ("SELECT u.login, g.groupName, '' FROM users_usergroups g JOIN users_users u "
                            f"ON u.userId = g.userId{alive}")
    if "users_grouppermissions" in tables:
        asked["rights"] = "SELECT groupName, permName, '' FROM users_grouppermissions"
    if "tiki_group_inclusion" in tables:
        asked["inclusions"] = "SELECT groupName, includeGroup, '' FROM tiki_group_inclusion"
    if "tiki_preferences" in tables:
        asked["preferences"] = "SELECT name, value, '' FROM tiki_preferences"
    if ("tiki_scheduler", "params") in known:
        asked["jobs"] = "SELECT name, task, params FROM tiki_scheduler"
    return asked


def told(rows: Rows, sealed: Callable[[str], str]) -> Told:
    """Return what is watched; sealed makes of a secret what does not tell it, and is the same for the same secret."""
    found: Told = {}
    above: dict[str, set[str]] = {}
    for group, included, _ in rows.get("inclusions", ()):
        above.setdefault(str(group), set()).add(str(included))
    powers: dict[str, set[str]] = {}
    for group, name, _ in rows.get("rights", ()):
        right = f"{PREFIX}{str(name).removeprefix(PREFIX)}"
        powers.setdefault(str(group), set()).add(right)
        if POWERS.fullmatch(right) and group != ADMINS:
            found[f"permission:{group}:{right}"] = "granted"
    for login, group, _ in rows.get("members", ()):
        groups = _all_groups(str(group), above)
        mighty = {one for one in groups if one == ADMINS or ALL_RIGHTS in powers.get(one, ())}
        if mighty:
            before = found.get(f"administrator:{login}", "")
            found[f"administrator:{login}"] = ", ".join(sorted({*filter(None, before.split(", ")), str(group)}))
    for group, included in ((group, one) for group, all_of in above.items() for one in all_of):
        if group in NOBODY and included not in NOBODY or included == ADMINS:
            found[f"inclusion:{group}:{included}"] = "included"
    for name, value, _ in rows.get("preferences", ()):
        if is_telling(str(name)):
            found[f"preference:{name}"] = sealed(value or "") if is_secret_preference(str(name)) else value or ""
    for name, task, params in rows.get("jobs", ()):
        # Two may have one name, and the one that is looked at last is not the only one that runs.
        before = found.get(f"job:{name}", "").split("\n")
        found[f"job:{name}"] = "\n".join(sorted(filter(None, [*before, f"{task} {sealed(params or '')}"])))
    return found


def is_telling(name: str) -> bool:
    """Whether a change of a preference is news by itself."""
    return name not in MOVING_PREFERENCES and bool(TELLING.fullmatch(name))


def _all_groups(group: str, above: Mapping[str, set[str]]) -> set[str]:
    found, waiting = set(), [group]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += above.get(one, ())
    return found
