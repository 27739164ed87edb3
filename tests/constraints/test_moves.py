"""Where names went: sound lines, true to the tables of names."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

import envlock_constraints
from envlock import names
from envlock.rules.schema import schema_faults, validator_of

FOLDER = Path(envlock_constraints.__file__).parent / "api"
MOVES = list(names.moves().values())


def loaded(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def test_the_moves_keep_to_their_schema() -> None:
    assert schema_faults(validator_of(loaded("moves-schema.json")), loaded("moves.json")) == ()


@pytest.mark.parametrize(
    ("move", "fault"),
    [
        ({"write": "x"}, "gone"),
        ({"gone": "2.0"}, "write"),
        ({"gone": "2", "write": "tf.x"}, "gone"),
        ({"gone": "2.0", "write": "tf.x", "why": "y"}, "why"),
        ({"gone": "2.0", "write": "tf.x", "note": "It ends with a stop."}, "note"),
    ],
)
def test_the_schema_refuses_what_is_no_move(move: dict[str, str], fault: str) -> None:
    found = schema_faults(validator_of(loaded("moves-schema.json")), {"a": {"a.b": move}})
    assert fault in "\n".join(found)


def test_the_moves_are_sorted_and_there_are_many() -> None:
    for entries in loaded("moves.json").values():
        assert list(entries) == sorted(entries)
    assert len(MOVES) >= 200


def test_a_move_says_what_the_table_says() -> None:
    for move in MOVES:
        table = names.names(move.distribution)
        assert table is not None, move
        assert names.distribution_of(move.name) == move.distribution
        verdicts = [there(move, each) for each in table.releases]
        # What ended before the table begins, no release of it has.
        old = Version(move.gone).release <= table.releases[0].release[:2]
        gone = 0 if old else table.position(Version(move.gone))
        back = table.position(Version(move.back)) if move.back else len(table.releases)
        assert gone is not None, move
        assert back is not None, move
        assert verdicts[gone] in {False, None}, move
        assert True not in verdicts[gone:back], move
        assert old or False not in verdicts[gone - 1 : gone], move
        assert verdicts[back : back + 1] == ([True] if move.back else []), move


def test_the_line_to_write_is_python() -> None:
    for move in MOVES:
        ast.parse(move.write, filename=move.name)


def there(move: names.Move, release: Version) -> bool | None:
    """Whether a release has the name, or its function names the parameter."""
    if not move.name.endswith(")"):
        return names.exists(move.distribution, release, move.name)
    function, _, parameter = move.name[:-1].partition("(")
    found = names.parameters(move.distribution, release, function)
    return None if found is None else parameter in found.names
