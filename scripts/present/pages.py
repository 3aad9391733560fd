"""Fills the templates beside this file. Whatever comes from sites is escaped: a name with a script in it is text.

A page comes whole: its style is in it, it has no script, and it asks nothing of any server.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from scripts.present import output

FOLDER = Path(__file__).parent / "templates"
STYLE = "style.css"


def render(template: str, **values: Any) -> str:
    """Return a template filled with these values; one that it names and that is not given is a fault of ours."""
    return _environment().get_template(template).render(style=_style(), **values)


@cache
def _environment():
    import jinja2
    made = jinja2.Environment(loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined,
                              autoescape=jinja2.select_autoescape(("html", "html.j2"), default=True),
                              trim_blocks=True, lstrip_blocks=True, finalize=_plain)
    made.filters |= {"size": output.size, "age": output.age, "local": lambda moment: output.local(moment)[:16],
                     "duration": lambda seconds: "-" if seconds is None else output.duration(seconds),
                     "day": lambda moment: _local(moment).strftime("%A, %-d %B %Y"),
                     "clock": lambda moment: _local(moment).strftime("%H:%M"),
                     "iso": lambda moment: moment.isoformat(timespec="seconds")}
    return made


@cache
def _style():
    from markupsafe import Markup
    return Markup((FOLDER / STYLE).read_text(encoding="utf-8"))


def _local(moment: datetime) -> datetime:
    return moment.astimezone()


def _plain(value: object) -> object:
    """Return a value as a page can hold it: what is no UTF-8 comes as Python's surrogates."""
    if type(value) is str:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value
