"""A self-contained HTML page about two sides: figures, lists, side-by-side texts, rows; nothing comes from elsewhere.

Everything that comes from a site is escaped: a page name with a script in it is text here.
"""

import difflib
import html
from collections.abc import Iterable, Sequence

CONTEXT = 3       # lines around a change
MOST_LINES = 5_000  # of one side; more is slow to compare and nobody reads it

STYLE = """
body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222;background:#fff}
h2{margin-top:2em;border-bottom:1px solid #ccc}h3{font-size:1em;margin:1.5em 0 .3em;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.5em 0}td,th{border:1px solid #ddd;padding:.2em .5em;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{background:#f4f4f4}
.text{table-layout:fixed}.text td{font:12px/1.4 monospace;white-space:pre-wrap;border-width:0 1px}
.text td.number{width:3.5em;text-align:right;color:#888}.text col.number{width:4em}
.removed{background:#fdd}.added{background:#dfd}.gap td{background:#eee;text-align:center;color:#888}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page of parts that are HTML already."""
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="robots" content="noindex">'
            f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body><h1>{_text(title)}</h1>\n"
            + "\n".join(parts) + "\n</body></html>\n")


def heading(text: str, depth: int = 2) -> str:
    return f"<h{depth}>{_text(text)}</h{depth}>"


def lines(texts: Iterable[str]) -> str:
    """Return a list of sentences."""
    return "<ul>" + "".join(f"<li>{_text(one)}</li>" for one in texts) + "</ul>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return a table; None is an empty cell."""
    head = "".join(f"<th>{_text(one)}</th>" for one in headings)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell or '')}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def side_by_side(labels: Sequence[str], a: Sequence[str], b: Sequence[str]) -> str:
    """Return two texts beside each other: what changed, with some lines around it."""
    if max(len(a), len(b)) > MOST_LINES:
        return lines([f"too long to be shown: {len(a)} and {len(b)} lines; DIFF= shows it"])
    head = "".join(f'<th colspan="2">{_text(label)}</th>' for label in labels)
    columns = '<col class="number"><col>' * 2
    body = []
    for group in difflib.SequenceMatcher(None, a, b).get_grouped_opcodes(CONTEXT):
        body.append('<tr class="gap"><td colspan="4">&#8942;</td></tr>' if body or group[0][1] else "")
        body += [row for opcode in group for row in _rows(opcode, a, b)]
    return f'<table class="text"><colgroup>{columns}</colgroup><tr>{head}</tr>\n' + "\n".join(body) + "</table>"


def _rows(opcode: tuple[str, int, int, int, int], a: Sequence[str], b: Sequence[str]) -> Iterable[str]:
    kind, first_a, end_a, first_b, end_b = opcode
    for step in range(max(end_a - first_a, end_b - first_b)):
        left, right = first_a + step, first_b + step
        yield ("<tr>" + _cells(a, left, left < end_a, "" if kind == "equal" else "removed")
               + _cells(b, right, right < end_b, "" if kind == "equal" else "added") + "</tr>")


def _cells(text: Sequence[str], place: int, is_there: bool, marked: str) -> str:
    if not is_there:
        return '<td class="number"></td><td></td>'
    return f'<td class="number">{place + 1}</td><td class="{marked}">{_text(text[place])}</td>'


def _text(text: str) -> str:
    # What is no UTF-8 comes as Python's surrogates, which no page can hold.
    return html.escape(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
