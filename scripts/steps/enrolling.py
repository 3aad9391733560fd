"""Writes a new env file: answers from the command line first, then from a person, then what was found."""

import dataclasses
from collections.abc import Callable

from scripts.errors import Fault, RegistryError, UsageError
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.present import output, prompts
from scripts.registry import env_file, registry, schema
from scripts.registry.env_file import Value
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import forgetting, places

COMMAND_LINE = "the command line"


def new_name(settings: Settings, name: str | None) -> str:
    """Return the name of an instance to be; asked for at a terminal.

    Raises UsageError when there is none, it is no name, or it is taken.
    """
    def is_free(answer: str) -> None:
        registry.check_name(answer)
        if answer in registry.names(settings):
            raise UsageError(f"{answer}: instances.d/{answer}.env is there already. Give another NAME, or edit it")

    if name:
        is_free(name)
        return name
    if not prompts.can_ask():
        raise UsageError("NAME= is missing: how shall the instance be called?")
    return prompts.ask("Name of the instance (small letters, digits, dashes)", check=is_free)


def ask_place(settings: Settings, given: dict[str, str]) -> dict[str, str]:
    """Return given with what it takes to find the web root, asked for at a terminal where it is missing."""
    answers = dict(given)
    if not prompts.can_ask():
        if "WEB_ROOT" not in answers:
            raise UsageError("WEB_ROOT= is missing: which folder does the web server serve?")
        return answers
    if "ACCESS" not in answers:
        answers["ACCESS"] = "ssh" if "SSH_HOST" in answers else _ask("ACCESS", "local")
    if answers["ACCESS"] == "ssh":
        for key in ("SSH_HOST", "SSH_USER"):
            answers.setdefault(key, "") or answers.update({key: _ask(key, "")})
    if "WEB_ROOT" not in answers:
        chosen = places.choose(settings, answers)
        answers["WEB_ROOT"] = chosen.path if chosen else _ask("WEB_ROOT", "")
        if chosen and chosen.php:
            answers.setdefault("PHP", chosen.php)
    return answers


def made(settings: Settings, name: str, answers: dict[str, str]) -> Instance:
    """Return the instance that these answers describe; raise RegistryError for a value of the wrong kind."""
    values = {key: Value(text, COMMAND_LINE) for key, text in answers.items() if text != ""}
    if values.get("SSH_HOST") and "ACCESS" not in values:
        values["ACCESS"] = Value("ssh", COMMAND_LINE)
    return schema.load(Instance, values, COMMAND_LINE, name=name, settings=settings)


def ask_until_it_works(settings: Settings, name: str, answers: dict[str, str],
                       attempt: Callable[[Instance], object]) -> tuple[Instance, object]:
    """Return the instance and what attempt found with it; at a terminal a fault leads back to the questions."""
    while True:
        try:
            instance = made(settings, name, answers)
            return instance, attempt(instance)
        except Fault as fault:
            if not prompts.can_ask():
                raise
            output.complain(f"  {fault}")
            keys = [key for key in ("ACCESS", "SSH_HOST", "SSH_USER", "SSH_PORT", "SSH_KEY", "WEB_ROOT", "SITE", "PHP",
                                    "DB_HOST", "DB_NAME", "DB_USER", "DB_PASS")
                    if key in answers or key in ("WEB_ROOT", "PHP")]
            shown = [f"{key} ({'...' if key == 'DB_PASS' else answers.get(key, '')})" for key in keys]
            key = keys[prompts.choose("What shall be changed (Ctrl-C ends, nothing is written)", shown)]
            answers[key] = _ask(key, answers.get(key, "") if key != "DB_PASS" else "")


def refuse_twins(settings: Settings, instance: Instance) -> None:
    """Raise RegistryError when another name already means this very site."""
    other = registry.same_place(settings, instance)
    if other:
        raise RegistryError(f"{instance.name}: {instance.web_root} is already registered as {other}. "
                            "Nothing was written")


def write(settings: Settings, instance: Instance, done: str) -> None:
    """Write the env file of a new instance, readable by us alone, and say that it is done."""
    values, comments = {}, {}
    for key, field in schema.keys(Instance).items():
        value = getattr(instance, field.name)
        if value != field.default and (value or field.default is dataclasses.MISSING):
            values[key] = _text(value)
            comments[key] = field.metadata["help"]
    path = registry.folder(settings) / f"{instance.name}.env"
    forgetting.part_from_earlier(settings, instance.name)
    MANAGER.write(str(path), env_file.write_text(values, comments).encode("utf-8"), 0o600)
    if not process.conduct.dry_run:
        output.say(f"{instance.name}: wrote {path.relative_to(settings.top)}")
        output.say(f"{instance.name}: {done}")


def _ask(key: str, default: str) -> str:
    field = schema.keys(Instance)[key]

    def is_right(answer: str) -> None:
        schema.convert(field, key, answer, "your answer")
        if not answer and field.default is dataclasses.MISSING:
            raise UsageError("this one is needed")

    return prompts.ask(f"{key}: {field.metadata['help']}", default, is_right, secret=key == "DB_PASS")


def ask(key: str, default: str) -> str:
    """Return a person's answer for one key, with what was found as default; without a terminal, the default."""
    return _ask(key, default) if prompts.can_ask() else default


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, tuple) else str(value)
