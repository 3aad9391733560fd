"""Whether a PHP file in a cache is what Tiki itself generates: a compiled template, the container of services, a guard.

Told from its place, its head, and above all from what it calls: generated code calls little, and by name. So what was
appended to a real one is found as well. What a compiled template calls beyond that must be a word of its source, which
is compared with the release.
Source: all templates of Tiki 24.4, compiled by its Smarty 3.1; the writers of Smarty 2, 3, 4 and 5; Symfony's dumper.
"""

import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass

from scripts.tiki import php_code
from scripts.tiki.php_code import Reach

COMPILED = re.compile(r"(?:^|/)templates_c/")
CONTAINER = re.compile(r"(?:^|/)temp/cache/(?:[^/]+/)?container\.php$")
GUARD = "index.php"
HEAD = re.compile(r"\A<\?php\s*/\* Smarty version [\w.-]+, created on [\d: -]+\s+(?:compiled )?from "
                  r"(?P<quote>['\"]?)(?P<source>[^\n]*?)(?P=quote)\s*\*/")
CONTAINER_HEAD = "class TikiCachedContainer extends Container"
DEPENDENCY = re.compile(r"^\s*0 => '((?:[^'\\]|\\.)+)',$", re.MULTILINE)
PLUGIN_FILE = re.compile(r"'file'\s*=>\s*'((?:[^'\\]|\\.)*\.php)'")
PLUGIN_PLACE = re.compile(r"(?:lib/smarty_tiki|libs/(?:plugins|internals)|lib/smarty/[\w/]+|smarty_plugins)/"
                          r"[\w.]+\.php\Z")
# A wrapper as phar:// reads code out of any file; an escape in a text may spell one.
ODD_PLACE = re.compile(r"\.\.|[:\\]")
# What Smarty 2 loads by a constant, and what Smarty 3 to 5 call by a name that stands there.
KNOWN_FORMS = (
    (re.compile(r"require_once\(SMARTY_CORE_DIR \. 'core\.\w+\.php'\);"), ""),
    (re.compile(r"->getModifierCallback\('\w+'\)\("), "->modifier("),
    (re.compile(r"call_user_func_array\(\s*\$_smarty_tpl->(?:smarty->)?registered_plugins"
                r"(?:\[\s*(?:'\w+'|0)\s*\])+,"), "smarty_plugin("),
    # The names of files in it are judged by PLUGIN_FILE; one that is worked out is no such form.
    (re.compile(r"->_checkPlugins\(array\((?:\d+=>array\('file'=>'(?:[^'\\]|\\.)*','function'=>'\w+',?\),?)*\)\)"), ""),
)
CONTAINER_FORMS = ((re.compile(r"\$\{\(\$_ = "), "(("), (re.compile(r"\) && false \?: '_'\}"), "))"))
# Of PHP's own: they read what they are given, call nothing back and touch nothing.
HARMLESS = frozenset("""
    abs addslashes array_diff array_fill array_flip array_intersect array_key_exists array_key_first
    array_key_last array_keys array_merge array_pop array_push array_reverse array_search array_shift array_slice
    array_sum array_unique array_unshift array_values basename ceil chunk_split count ctype_digit current date
    defined dirname end explode floatval floor func_get_args function_exists gettype gmdate html_entity_decode
    htmlentities htmlspecialchars implode in_array intval is_array is_bool is_callable is_float is_int is_null
    is_numeric is_object is_string iterator_to_array join json_decode json_encode key key_exists lcfirst ltrim max
    mb_convert_case mb_detect_encoding mb_internal_encoding mb_strimwidth mb_strlen mb_strpos mb_strtolower
    mb_strtoupper mb_substr mb_substr_count md5 min mktime nl2br number_format ob_end_clean ob_get_clean
    ob_get_contents ob_start ord preg_match preg_match_all preg_quote preg_split print_r range rawurlencode reset
    round rtrim settype sha1 sizeof sprintf str_contains str_ends_with str_pad str_repeat str_replace
    str_starts_with strcasecmp strcmp strip_tags stripos stristr strlen strpos strrev strrpos strstr strtolower
    strtotime strtoupper strtr strval substr substr_count time tra trim ucfirst ucwords urlencode var_dump
    vsprintf wordwrap zone_is_empty
""".split())  # noqa: SIM905 - a list of a hundred words is read as a text
OWN_FUNCTIONS = re.compile(r"(?:smarty|content|_smarty)_\w+", re.IGNORECASE)
OWN_CLASSES = re.compile(r"Smarty_(?:Variable|Undefined_Variable|Internal_(?:Block|Debug|Runtime_\w+))|Block_\w+|"
                         r"Smarty\\\w+(?:\\\w+)*|Smarty|self|parent|static", re.IGNORECASE)
IN_CONTAINER = frozenset({"trigger_error", "array_key_exists", "sprintf", "strtolower", "dirname", "strtr", "isset"})
# Classes that work on their own: with one of them a container would be more than one.
WORKERS = re.compile(r"(?:^|\\)(?:\w*process|reflection\w*|closure|spl\w+|filesystem|phar\w*|ziparchive|soap\w*|ffi|"
                     r"pdo|expressionlanguage|dom\w*|\w*evaluator)$", re.IGNORECASE)
# Of what a template works with: these let it call something by a name that is worked out.
POWERS = re.compile(r"register(?!tplfunctions$)\w*|exec\w*|invoke\w*|shell\w*|run|passthru|system|\w*handler|"
                    r"loadplugin|compile\w+|__\w+|\w*security|(?:set|add)\w*(?:dir|handling|handlers?|filters?)|"
                    r"createtemplate", re.IGNORECASE)
# What decides over that is only ever asked for by Smarty's own code: whether it is set, or one of it is.
SETTINGS = re.compile(r"registered_\w+(?!\w|(?:\[\s*(?:'\w+'|0)\s*\])+\s*(?:[,;)]|\?(?!\?)|:|===?\s|!==?\s))|"
                      r"_checkPlugins|(?:->|::\$)\s*(?:security_\w+|(?:plugins|template|compile|config)_dir\b|php_handling)",
                      re.IGNORECASE)
TEXT_FETCHED = re.compile(r"->\s*(?:fetch|display)\s*\(\s*[^\s)]", re.IGNORECASE)
IN_GUARD = frozenset({"header", "headers_sent", "basename", "dirname", "strpos", "http_response_code", "isset"})
IN_SETTINGS = frozenset({"define", "getenv", "dirname", "ini_set", "error_reporting", "date_default_timezone_set"})
# Smarty 3 makes a template of a text where its source says {eval}, and calls PHP by other words than its source.
SAID_AS = {"smarty_internal_template": "eval", "preg_replace": "replace", "smarty_function_eval": "eval",
           "smarty_function_fetch": "fetch"}


@dataclass(frozen=True)
class Judgement:
    """odd says why nothing of Tiki's has made the file; nothing, when it may have.

    words must each stand in one of sources, which are paths of templates as the file names them. roots are the web
    roots that it was made for.
    """

    odd: str = ""
    words: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()
    roots: frozenset[str] = frozenset()


def judge(path: str, content: bytes, roots: Collection[str]) -> Judgement:
    """Judge a PHP file of a cache; roots are the names that the web root has."""
    text = content.decode("utf-8", "surrogateescape")
    if not php_code.has_code(text):
        return Judgement()
    if COMPILED.search(path) and HEAD.match(text):
        return _compiled(text, roots)
    if CONTAINER.search(path) and CONTAINER_HEAD in text[:2000]:
        return _container(text, roots)
    if posixpath.basename(path) == GUARD:
        return Judgement(guard_problem(text))
    return Judgement(_idle_problem(php_code.reach(text), frozenset()))


def guard_problem(text: str) -> str:
    """Return what an index.php does beyond keeping people out of a folder."""
    return _idle_problem(php_code.reach(text), IN_GUARD)


def settings_problem(content: bytes) -> str:
    """Return what a db/local.php does beyond setting variables."""
    return _idle_problem(php_code.reach(content.decode("utf-8", "surrogateescape")), IN_SETTINGS)


def _idle_problem(found: Reach, functions: Collection[str]) -> str:
    return found.odd or _first("calls", {one for one in found.functions if one.lower() not in functions}) or \
        _first("loads", found.loads) or _first("uses", found.classes) or _first("calls", found.methods) or \
        _first("looks at", found.request - {"$_SERVER"})


def _compiled(text: str, roots: Collection[str]) -> Judgement:
    head = HEAD.match(text)
    sources = (head["source"], *(_plain(one) for one in DEPENDENCY.findall(text)))
    plugins = [_plain(one) for one in PLUGIN_FILE.findall(text)]
    for form, simple in KNOWN_FORMS:
        text = form.sub(simple, text)
    found = php_code.reach(text)
    if found.odd or SETTINGS.search(text):
        return Judgement(found.odd or "changes what a plugin's name stands for")
    loads = [*plugins, *found.loads]
    wrong = [one for one in loads if ODD_PLACE.search(one) or not PLUGIN_PLACE.search(one)]
    if wrong:
        return Judgement(_first("loads", wrong))
    others = frozenset(root for one in (*loads, *sources) if one.startswith("/") and not _is_in(one, roots)
                       for root in [_root_of(one)])
    strange = {one for one in found.functions if one.lower() not in HARMLESS
               and (one.lower() in SAID_AS or not OWN_FUNCTIONS.fullmatch(one))}
    strange |= {one for one in found.classes if not OWN_CLASSES.fullmatch(one)}
    strange |= {one for one in found.methods if POWERS.fullmatch(one)}
    strange |= {"fetch"} if TEXT_FETCHED.search(text) else set()
    words = frozenset(SAID_AS.get(one.lower(), one) for one in strange)
    return Judgement("", words, tuple(dict.fromkeys(sources)), others)


def _container(text: str, roots: Collection[str]) -> Judgement:
    for form, simple in CONTAINER_FORMS:
        text = form.sub(simple, text)
    found = php_code.reach(text)
    odd = found.odd or _first("calls", {one for one in found.functions if one.lower() not in IN_CONTAINER}) or \
        _first("looks at", found.request) or _first("uses", {one for one in found.classes if WORKERS.search(one)}) or \
        _first("loads", [one for one in found.loads if ODD_PLACE.search(one) or not one.endswith(".php")])
    others = frozenset(_root_of(one) for one in found.loads if one.startswith("/") and not _is_in(one, roots))
    return Judgement(odd, roots=others)


def _root_of(path: str) -> str:
    """Return the web root that a path of code is below, as far as the path tells."""
    found = re.match(r"(.*?)/(?:lib|vendor_bundled|vendor|templates|styles|themes|_custom|temp)/", path)
    return found[1] if found else posixpath.dirname(path)


def _is_in(path: str, roots: Collection[str]) -> bool:
    return any(path.startswith(f"{root.rstrip('/')}/") for root in roots)


def _plain(text: str) -> str:
    return re.sub(r"\\([\\'])", r"\1", text)


def _first(what: str, names: Collection[str]) -> str:
    return f"{what} {sorted(names)[0]}" if names else ""
