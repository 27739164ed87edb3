"""Pages of the site that are made of the program: commands, rules, schema, README, evidence.

A hook of MkDocs: the site's own texts are in ``docs/site``, all else is written
when it is built, so that it says what this envlock does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from envlock import report
from envlock.cli import COMMANDS
from envlock.model import Rule
from envlock.rules import database

ROOT = Path(__file__).parent.parent
#: Documents of the repository that are pages as they are.
DOCUMENTS = ("environment-variables.md", "other-tools.md", "security.md", "source-distributions.md")
#: Where links of these lead that are no pages.
REPOSITORY = "https://github.com/envlock/envlock/blob/main"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made of the program to the pages."""
    for path, text in pages():
        files.append(File.generated(config, path, content=text))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path of each page that is made, and its text."""
    yield "commands.md", "\n".join(_commands())
    yield "json.md", _json()
    yield "guide.md", linked((ROOT / "README.md").read_text(encoding="utf-8"), ROOT)
    for name in DOCUMENTS:
        yield name, linked((ROOT / "docs" / name).read_text(encoding="utf-8"), ROOT / "docs")
    rules = database.load().rules
    yield "rules/index.md", "\n".join(_rules(rules))
    for rule in rules:
        yield f"rules/{rule.id}.md", "\n".join(_rule(rule))
    yield "matrix.html", (ROOT / "docs" / "index.html").read_text(encoding="utf-8")


def linked(text: str, folder: Path) -> str:
    """Return a document whose links lead to pages, or to the repository where there is none."""

    def to(match: re.Match[str]) -> str:
        target, hash_, anchor = match[1].partition("#")
        path = (folder / target).resolve()
        if not target or "://" in target:
            return match[0]
        if path == ROOT / "docs" / "index.html":
            return "](matrix.html)"
        if path.parent == ROOT / "docs" and path.name in DOCUMENTS:
            return f"]({path.name}{hash_}{anchor})"
        if path == ROOT / "README.md":
            return f"](guide.md{hash_}{anchor})"
        return f"]({REPOSITORY}/{path.relative_to(ROOT).as_posix()})"

    return re.sub(r"\]\(([^)\s]+)\)", to, text)


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    for name in ("", *COMMANDS):
        words = [sys.executable, "-m", "envlock", *name.split(), "--help"]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
        yield f"## envlock {name}".rstrip()
        yield f"\n```text\n{done.stdout.rstrip()}\n```\n"


def _json() -> str:
    schema = json.loads(resources("envlock.cli").joinpath("output.schema.json").read_bytes())
    listed = "\n".join(
        f"- `{key}`: {value.get('description', '')}".rstrip(": ")
        for key, value in schema["properties"].items()
    )
    return (
        "# What --json prints\n\nOne object on standard output; `envlock json schema` prints this"
        f" schema (JSON Schema 2020-12). Every object has:\n\n{listed}\n\n"
        f"```json\n{json.dumps(schema, indent=2)}\n```\n"
    )


def _rules(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield "# Rules\n"
    yield "What package metadata does not say, each with what backs it: `envlock rules show ID`.\n"
    yield "| rule | severity | stage | fact |\n|---|---|---|---|"
    for rule in rules:
        title = rule.title.replace("|", "\\|")
        yield f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.stage} | {title} |"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id}\n"
    yield f"{rule.title}\n"
    yield f"```text\n{report.rule_text(rule)}\n```\n"
    for each in rule.evidence:
        yield f"- {each.checked}, {each.how}: {' '.join(each.what.split())}"
        yield from (f"    - <{link}>" for link in each.links)
