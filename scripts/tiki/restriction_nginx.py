"""The same restriction for nginx, which reads no .htaccess: a part for http { } and one for server { }.

Not by allow, deny and satisfy: with `satisfy any` a login would open the locations that Tiki wants closed by
`deny all`, db/ among them. The address is judged by geo instead, which only http { } takes.
Source: nginx's documentation of geo, auth_basic (whose realm may be a variable; "off" asks for no login), include.
"""

import re

from scripts.tiki.restriction import Rule

HTTP, SERVER = "http.conf", "server.conf"


def files(rule: Rule, htpasswd: str) -> dict[str, bytes]:
    """Return the content of the files, by name; a part that is not needed is left out."""
    head = f"# TRIM restriction of {rule.name}: written by make restrict. Changes count after: nginx -s reload\n"
    http, server = _http(rule), _server(rule, htpasswd)
    return {HTTP: (head + http).encode(), SERVER: (head + server).encode()} if http else \
        {SERVER: (head + server).encode()}


def includes(folder: str) -> tuple[str, str]:
    """Return the lines for http { } and for server { }.

    With a star: nginx then takes a missing file, and still starts after STATE=off has removed it.
    """
    return f"include {_quoted(f'{folder}/http*.conf')};", f"include {_quoted(f'{folder}/server*.conf')};"


def _http(rule: Rule) -> str:
    if not rule.networks:
        return ""
    refuses = rule.asks_for_both or not rule.has_logins
    default, inside = ("1", "0") if refuses else (_realm(rule), "off")
    inner = "".join(f"    {network} {inside};\n" for network in rule.networks)
    return f"geo {_variable(rule)} {{\n    default {default};\n{inner}}}\n"


def _server(rule: Rule, htpasswd: str) -> str:
    lines = []
    if rule.networks and (rule.asks_for_both or not rule.has_logins):
        lines.append(f"if ({_variable(rule)}) {{ return 403; }}")
    if rule.has_logins:
        realm = _variable(rule) if rule.networks and not rule.asks_for_both else _realm(rule)
        lines += [f"auth_basic {realm};", f"auth_basic_user_file {_quoted(htpasswd)};"]
    return "".join(f"{line}\n" for line in lines)


def _variable(rule: Rule) -> str:
    return f"$trim_{rule.name.replace('-', '_')}"  # a name of ours has no underscore, so no two become one


def _realm(rule: Rule) -> str:
    return _quoted(f"Restricted: {rule.name}")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'[\\"]', r"\\\g<0>", text) + '"'
