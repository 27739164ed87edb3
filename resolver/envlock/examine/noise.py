"""A log as a terminal, notebook or container recorded it → the text that was meant. Pure."""

from __future__ import annotations

import re
from collections import Counter

#: Colours and cursor moves, also where the escape character itself was lost.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|"
    r"\[(?:\d{1,3}(?:;\d{1,3})+|[013][0-9]?|4[0-9]|9[0-7]|0)m"
)
_COLOURED = ("\x1b", "[0m", "[0;", "[1;", "[31m")
_INVISIBLE = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 27), *range(28, 32), 127, *range(0x200B, 0x2010), 0x2060, 0xFEFF]
)
_LINE_END = re.compile(r"\r+\n")
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)

_STAMP = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,:]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ][ \d]\d[ ]\d\d:\d\d:\d\d"
)
_LOUD = r"(?:WARN|WARNING|ERROR|CRITICAL|FATAL)"
_QUIET = r"(?:DEBUG|INFO|NOTICE|STDERR|STDOUT|stderr|stdout)"
#: What loggers, containers, CI systems and mail programs put before a line, one after the
#: other. ``ERROR: `` stays: pip and conda begin a message so.
_PREFIX = re.compile(
    rf"""^(?:
        \[?(?:{_STAMP})\]?(?:[ ]?[:|-])*[ \t]? # a time
      | [\w.-]+\ [\w.-]+\[\d+\]:[ ]            # journal: host unit[pid]:
      | \[(?:{_LOUD}|{_QUIET})\]:?[ \t]?        # [ERROR]
      | (?:{_LOUD}|{_QUIET}):[\w.]+:           # ERROR:name:
      | {_QUIET}[ \t]*[:|][ \t]?               # INFO: and INFO |
      | {_LOUD}[ \t]+\|[ \t]?                  # ERROR |
      | (?:stdout|stderr)\ [FP]\               # Kubernetes
      | [\w./-]{{1,60}}[ \t]+\|(?:[ ]|$)       # docker compose: service  |
      | \#\d+\ \d+\.\d+[ ]?                   # docker build: #12 3.456
      | \[\d+,\d+\]<std(?:err|out)>:           # mpirun
      | \((?:[\w.]+\ )?pid=\d+[^)\n]*\)[ ]     # ray
      | (?:>(?!=)[ ]?)+                        # a quotation in a mail
      | [│┃|!][ ]?                             # boxes and bars
      | E\ {{3,}}(?=\S)                        # pytest
    ){{1,6}}""",
    re.VERBOSE | re.MULTILINE,
)
_ARROW = re.compile(r"^[ \t]*-+>[ \t]+(?=\d+\b)", re.MULTILINE)
_JSON_LOG = re.compile(r'^\{"log":"(.*?)(?:\\[rn])*","stream":"\w+".*\}$', re.MULTILINE)
_JSON_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_JSON_CHARACTERS = {"n": "\n", "t": "\t", "r": "\r"}
_BOX_END = re.compile(r"[ \t]+[│┃|][ \t]*$", re.MULTILINE)
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_LONG = 1000  # lines
_TOLD_OFTEN = 3
_NARROWEST = 79  # columns of a terminal that breaks lines


def clean(text: str) -> str:
    """Return a log without what was put around and into its lines.

    Colours, overwritten progress bars, line ends of other systems, prefixes
    of loggers and the arrows of notebooks go; lines that a terminal broke at
    its edge are one again.
    """
    if any(mark in text for mark in _COLOURED):
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = _OVERWRITTEN.sub("", _LINE_END.sub("\n", text)).replace("\r", "\n")
    text = text.replace("\xa0", " ").translate(_INVISIBLE)
    if '{"log":"' in text:
        text = _JSON_LOG.sub(lambda line: _plain(line[1]), text)
    if "│" in text or "┃" in text or " |" in text:
        text = _BOX_END.sub("", text)
    text = _PREFIX.sub("", _joined(text))
    return _fewer(_ARROW.sub("", text) if "-> " in text else text)


def _fewer(text: str) -> str:
    """A long log without the lines that say again, in other numbers, what some said before."""
    lines = text.split("\n")
    if len(lines) < _LONG:
        return text
    seen: Counter[str] = Counter()
    kept = []
    for line in lines:
        key = line.translate(_NO_DIGITS)
        seen[key] += 1
        if seen[key] <= _TOLD_OFTEN:
            kept.append(line)
    return "\n".join(kept)


def _plain(escaped: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        return _JSON_CHARACTERS.get(code, code)

    return _JSON_ESCAPE.sub(character, escaped)


def _joined(text: str) -> str:
    """Undo the breaks of a terminal: different lines end exactly at its edge, none goes beyond."""
    lines = text.split("\n")
    edge = max(map(len, lines))
    if edge < _NARROWEST or len({line for line in lines if len(line) == edge}) == 1:
        return text
    whole: list[str] = []
    broken = False
    for line in lines:
        if broken and line[:2].strip():
            whole[-1] += line
        else:
            whole.append(line)
        broken = len(line) == edge
    return "\n".join(whole)
