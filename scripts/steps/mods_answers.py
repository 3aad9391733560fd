"""The configuration of a mod: what it asks, what was answered before, what the call brings, what is usual.

Answers are the operator's and may be passwords: they come by a question, by SET= where they are no secret, or from a
file that nobody else may read; they are kept with the state of the instance.
"""

import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts.errors import UsageError
from scripts.mods.parts import ConfigLine, ControlFile
from scripts.present import output, prompts
from scripts.registry.env_file import nearest
from scripts.registry.instance import Instance
from scripts.tiki.expected import is_secret_preference

SERVER_WORD = re.compile(r"\$([A-Z_]+)")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
QUOTED = re.compile(r"(?<=\s)'.*'(?=\s|$)", re.DOTALL)
TAG = re.compile(r"<br\s*/?>|<[^>]*>", re.IGNORECASE)


def server(instance: Instance) -> dict[str, str]:
    """Return what PHP would know of the site's server, as far as its env file tells."""
    url = urlsplit(instance.web_url)
    path = url.path.rstrip("/")
    is_secure = url.scheme == "https"
    root = instance.web_root.removesuffix(path) if path and instance.web_root.endswith(path) else instance.web_root
    known = {"DOCUMENT_ROOT": root, "SCRIPT_NAME": f"{path}/tiki-index.php", "PHP_SELF": f"{path}/tiki-index.php",
             "REQUEST_URI": f"{path}/tiki-index.php", "SCRIPT_FILENAME": f"{instance.web_root}/tiki-index.php"}
    if url.hostname:
        known |= {"HTTP_HOST": url.netloc.rpartition("@")[2], "SERVER_NAME": url.hostname,
                  "SERVER_PORT": str(url.port or (443 if is_secure else 80)), "REQUEST_SCHEME": url.scheme,
                  "HTTPS": "on" if is_secure else ""}
    return known


def usual(line: ConfigLine, instance: Instance) -> str:
    """Return a question's default, with the server's own words in it; `$NAME` that nobody knows stays."""
    known = server(instance)
    return SERVER_WORD.sub(lambda found: known.get(found[1], found[0]), line.default)


def given(text: str, path: Path | None, controls: Iterable[ControlFile]) -> dict[str, str]:
    """Return the answers of SET= and of a file; raise UsageError for a variable that none of these mods asks for."""
    variables = sorted({line.variable for control in controls for line in control.configuration})
    found = _of_words(text, variables)
    for variable in found:
        if is_secret_preference(variable):
            raise UsageError(f"SET=: {variable} looks like a secret, and every account of this machine can read a "
                             "command line. Be asked for it, or write it into a file that only you can read: ANSWERS=")
    return {**(_of_file(path, variables) if path else {}), **found}


def _of_words(text: str, variables: Sequence[str]) -> dict[str, str]:
    """Return the pairs of one text; a value goes on until the next variable that is asked for."""
    if not text.strip():
        return {}
    starts = list(re.finditer(r"(?:^|(?<=\s))([A-Za-z0-9_]+)=", text))
    if not starts or text[:starts[0].start()].strip():
        raise UsageError(f"SET={text}: expected variable=value")
    _require_known("SET", starts[0][1], variables)
    starts = [start for start in starts if start[1] in variables]
    ends = [*(start.start() for start in starts[1:]), len(text)]
    return {start[1]: _unquoted(text[start.end():end].strip()) for start, end in zip(starts, ends)}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _of_file(path: Path, variables: Sequence[str]) -> dict[str, str]:
    """Return the pairs of a file, one a line; blank lines and those that begin with # say nothing."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise UsageError(f"ANSWERS={path}: others may read it. Next: chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"ANSWERS={path}: cannot be read: {error.strerror}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        variable, sign, value = line.partition("=")
        if not sign:
            raise UsageError(f"ANSWERS={path}, line {number}: expected variable=value")
        _require_known(f"ANSWERS={path}, line {number}", variable.strip(), variables)
        found[variable.strip()] = value.strip()
    return found


def _require_known(place: str, variable: str, variables: Sequence[str]) -> None:
    if variable not in variables:
        asked = f"They ask for: {', '.join(variables)}" if variables else "They ask for nothing"
        raise UsageError(f"{place}: no mod of this call asks for {variable}{nearest(variable, variables)}. {asked}")


def collect(instance: Instance, control: ControlFile, earlier: Mapping[str, str], new: Mapping[str, str],
            asks: bool = False) -> dict[str, str]:
    """Return an answer for every question of a mod.

    What the call brings counts first, then what was answered before, then the default. At a terminal what the call
    does not bring is asked for when nothing was answered before, or whenever asks; elsewhere a question without any of
    these is a UsageError.
    """
    answers, has_shown_help = {}, False
    for line in control.configuration:
        known = earlier.get(line.variable)
        value = new.get(line.variable, known)
        if line.variable not in new and (asks or known is None) and prompts.can_ask():
            if not has_shown_help:
                has_shown_help = _show_help(control)
            value = _asked(line, known if known is not None else usual(line, instance))
        elif value is None:
            value = usual(line, instance)
            if not value:
                way = "ANSWERS=file" if is_secret_preference(line.variable) else f'SET="{line.variable}=..."'
                raise UsageError(f"{control.mod}: asks for {line.variable} ({plain(line.prompt)}), and nothing is said "
                                 f"of it. Give it: {way}")
        check(line.variable, value)
        answers[line.variable] = value
    return answers


def check(variable: str, value: str) -> None:
    """Raise UsageError for an answer that no place could hold."""
    if CONTROL.search(value):
        raise UsageError(f"{variable}: an answer is one line, without control characters")


def _asked(line: ConfigLine, default: str) -> str:
    is_secret = is_secret_preference(line.variable)
    question = f"{plain(line.prompt)} ({line.variable})"
    if is_secret and default:
        return prompts.ask(f"{question}, empty to keep what was answered before",
                           check=lambda answer: check(line.variable, answer), secret=True) or default
    return prompts.ask(question, default, lambda answer: check(line.variable, answer), secret=is_secret)


def _show_help(control: ControlFile) -> bool:
    for line in control.configuration_help:
        output.tell_secret(f"  {printable(line)}")
    return True


def plain(text: str) -> str:
    """Return a question without the HTML that it was written with."""
    return printable(" ".join(TAG.sub(" ", text).split())).removesuffix(":")


def printable(text: str) -> str:
    """Return a text of a mod without what would do something to a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def told(answers: Mapping[str, str]) -> dict[str, str]:
    """Return answers as they may be shown."""
    return {variable: "(not shown)" if is_secret_preference(variable) and value else value
            for variable, value in answers.items()}


def hidden(text: str, answers: Mapping[str, str]) -> str:
    """Return a server's message without the secret ones among the answers, however they were written."""
    is_secret = False
    for variable, value in answers.items():
        if is_secret_preference(variable) and value:
            is_secret = True
            for form in (value, value.replace("\\", "\\\\").replace("'", "\\'"), value.replace("'", "''")):
                text = text.replace(form, "(not shown)")
    # What servers quote of a statement is cut off somewhere: the beginning of a secret has no form to look for.
    return QUOTED.sub("'(not shown)'", text) if is_secret else text
