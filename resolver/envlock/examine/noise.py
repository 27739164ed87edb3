"""A log as a terminal, notebook or container recorded it → the text that was meant. Pure."""

from __future__ import annotations

import re

from envlock.examine.brief import LONGEST, brief, fewer

#: Colours and cursor moves, also where the escape character itself was lost.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|"
    r"\[(?:\d{1,3}(?:;\d{1,3})+|[013][0-9]?|4[0-9]|9[0-7]|0)m"
)
_COLOURED = ("\x1b", "[0m", "[0;", "[1;", "[31m")
_INVISIBLE = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 27), *range(28, 32), 127, *range(0x200B, 0x2010), 0x2060, 0xFEFF]
)

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
_JSON_LOG = re.compile(r'^\{"log":"(.*?)","stream":"\w{1,20}"(?:,[^\n]{0,200})?\}$', re.MULTILINE)
_JSON_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_JSON_CHARACTERS = {"n": "\n", "t": "\t", "r": "\r"}
_BOX_END = re.compile(r"(?<![ \t])[ \t]+[│┃|][ \t]*$", re.MULTILINE)
_LONG = 1000  # lines
_NARROWEST = 79  # columns of a terminal that breaks lines


def clean(text: str) -> str:
    """Return a log without what was put around and into its lines.

    Of very long logs and lines only a part is kept (`brief`). Colours,
    overwritten progress bars, line ends of other systems, prefixes of loggers
    and the arrows of notebooks go; lines that a terminal broke at its edge are
    one again.
    """
    text = brief(text)
    if any(mark in text for mark in _COLOURED):
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(map(_last_written, text.split("\n")))
    text = text.replace("\xa0", " ").translate(_INVISIBLE)
    if '{"log":"' in text:
        text = _JSON_LOG.sub(lambda line: _plain(line[1]).rstrip("\r\n"), text)
    if "│" in text or "┃" in text or " |" in text:
        text = _BOX_END.sub("", text)
    text = _PREFIX.sub("", _joined(text))
    if "-> " in text:
        text = _ARROW.sub("", text)
    return text if text.count("\n") < _LONG else "\n".join(fewer(text.split("\n")))


def _last_written(line: str) -> str:
    """What a terminal shows of a line that was written over."""
    return line.rstrip("\r").rpartition("\r")[2]


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
    whole: list[list[str]] = []
    room = 0
    for line in lines:
        if room > 0 and line[:2].strip():
            whole[-1].append(line)
            room -= len(line)
        else:
            whole.append([line])
            room = LONGEST
        if len(line) != edge:
            room = 0
    return "\n".join(map("".join, whole))
