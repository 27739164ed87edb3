"""pyproject.toml: dependencies, extras and groups, or what is wrong with them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.request.files import Apart, ParsedFile, read_request_file

PROJECT = """\
[project]
name = "My.Model"
requires-python = ">=3.9,<3.12"
dependencies = ["tensorflow>=2.10", "h5py"]

[project.optional-dependencies]
gpu = ["tensorflow[and-cuda]"]
plot = ["matplotlib; sys_platform != 'win32'"]
all = ["my-model[gpu,plot]; python_version > '3.9'", "pandas"]
loop = ["my_model[loop]", "scipy"]

[dependency-groups]
test = ["pytest>=8"]
dev = [{include-group = "test"}, "ruff", "my.model[plot]"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


def names(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(str(item.requirement), item.origin) for item in parsed.requirements]


def refusal(
    path: Path, text: str, extras: Collection[str] = (), groups: Collection[str] = ()
) -> UsageError:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_request_file(path, extras=extras, groups=groups)
    return caught.value


OWN = [
    ("tensorflow>=2.10", "pyproject.toml [project.dependencies]"),
    ("h5py", "pyproject.toml [project.dependencies]"),
]


def test_a_project_asks_for_its_dependencies_and_says_its_pythons(project: Path) -> None:
    parsed = read_request_file(project)

    assert names(parsed) == OWN
    assert str(parsed.requires_python) == "<3.12,>=3.9"
    assert parsed.constraints == ()
    assert parsed.notes == ()


def test_extras_are_chosen_by_any_spelling_of_their_name(project: Path) -> None:
    assert names(read_request_file(project, extras=["GPU"])) == [
        *OWN,
        ("tensorflow[and-cuda]", "pyproject.toml [project.optional-dependencies.gpu]"),
    ]


def test_an_extra_that_asks_for_others_of_the_project_is_replaced_by_them(project: Path) -> None:
    key = "pyproject.toml [project.optional-dependencies"
    assert names(read_request_file(project, extras=["all"])) == [
        *OWN,
        ('tensorflow[and-cuda]; python_version > "3.9"', f"{key}.gpu]"),
        (
            'matplotlib; python_version > "3.9" and sys_platform != "win32"',
            f"{key}.plot]",
        ),
        ("pandas", f"{key}.all]"),
    ]


def test_an_extra_that_asks_for_itself_ends(project: Path) -> None:
    assert names(read_request_file(project, extras=["loop"])) == [
        *OWN,
        ("scipy", "pyproject.toml [project.optional-dependencies.loop]"),
    ]


def test_a_group_brings_what_it_includes_and_the_extras_of_the_project(project: Path) -> None:
    assert names(read_request_file(project, groups=["dev"])) == [
        *OWN,
        ("pytest>=8", "pyproject.toml [dependency-groups.dev]"),
        ("ruff", "pyproject.toml [dependency-groups.dev]"),
        (
            'matplotlib; sys_platform != "win32"',
            "pyproject.toml [project.optional-dependencies.plot]",
        ),
    ]


def test_groups_need_no_project(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[dependency-groups]\nml = ["h5py"]\n', encoding="utf-8")

    assert names(read_request_file(path, groups=["ml"])) == [
        ("h5py", "pyproject.toml [dependency-groups.ml]")
    ]


def test_unknown_extras_and_groups_are_told_with_those_there_are(project: Path) -> None:
    fault = refusal(project, PROJECT, extras=["cuda"], groups=["docs"])

    assert fault.message == (
        f'{project}: there is no extra "cuda" in project.optional-dependencies\n'
        f'{project}: there is no group "docs" in dependency-groups'
    )
    assert fault.remedies == (
        f"{project}: there are: all, gpu, loop, plot",
        f"{project}: there are: dev, test",
    )


def test_a_project_without_extras_says_so(project: Path) -> None:
    fault = refusal(project, '[project]\nname = "a"\n', extras=["gpu"])

    assert fault.remedies == ("there are: none",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project]\nname = \n", "2: not TOML: invalid value (column 8)"),
        (
            '[project]\nname = "a"\nname = "b"\n',
            "3: not TOML: cannot overwrite a value (column 11)",
        ),
        ('[project]\ndependencies = ["a"\n\n', "2: not TOML: unclosed array"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, message: str, project: Path) -> None:
    fault = refusal(project, text)

    assert fault.message == f"{project}:{message}"
    assert fault.remedies == (f"correct line {message[0]} of {project}",)


def test_every_malformed_entry_is_told_with_its_line(project: Path) -> None:
    fault = refusal(
        project,
        """\
        [project]
        requires-python = "3.9+"
        dependencies = [
          "tensorflow=2.10",
          "model @ hg+https://me:pw@example.org/model",
          3,
        ]
        [project.optional-dependencies]
        gpu = "tensorflow"
        """,
        extras=["gpu"],
    )

    assert fault.message.splitlines() == [
        (
            f'{project}:4: "tensorflow=2.10" is not a requirement:'
            ' pip writes "==" for conda\'s "=" (character 11)'
        ),
        (
            f'{project}:5: "model @ hg+https://****@example.org/model": of version control envlock'
            " reads git alone, as git+https://… or git+ssh://git@…"
        ),
        f'{project}: project.dependencies[2]: a string is needed, and "3" is there',
        (
            f"{project}: project.optional-dependencies.gpu: a list of strings is needed,"
            ' and "tensorflow" is there'
        ),
        f'{project}:2: project.requires-python: "3.9+" is not a range of versions',
    ]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            'a = [{include-group = "b"}]\nb = [{include-group = "a"}]',
            (
                "{path}: dependency-groups: Cyclic dependency group include while resolving a:"
                " a -> b, b -> a"
            ),
        ),
        (
            'a = [{include-group = "gone"}]',
            "{path}: dependency-groups: Dependency group 'gone' not found",
        ),
        ("a = [3]", "{path}: dependency-groups: Invalid dependency group item: 3"),
        (
            'a = "pytest"',
            (
                "{path}: dependency-groups:"
                " Dependency group 'a' contained a string rather than a list."
            ),
        ),
        (
            'a = ["pytest"]\nA = ["ruff"]',
            "{path}: dependency-groups: Duplicate dependency group names: a (a, A)",
        ),
        (
            'a = ["pytest 8"]',
            (
                '{path}:2: "pytest 8" is not a requirement:'
                " there is no operator before the version (character 8)"
            ),
        ),
    ],
)
def test_malformed_groups_are_told(groups: str, message: str, project: Path) -> None:
    fault = refusal(project, f"[dependency-groups]\n{groups}\n", groups=["a"])

    assert fault.message == message.format(path=project)


def test_a_group_may_hold_no_line_break_that_carries_an_option(project: Path) -> None:
    fault = refusal(
        project,
        "[dependency-groups]\na = [\"h5py; os_name == 'a\\n--index-url x'\"]\n",
        groups=["a"],
    )

    assert "character 20 is U+000A (a control character)" in fault.message


def test_a_file_without_a_project_is_refused(project: Path) -> None:
    fault = refusal(project, "[tool.ruff]\n")

    assert fault.message == f"{project}: there is no [project] table"


def test_poetrys_own_table_is_what_a_project_without_another_asks_for(project: Path) -> None:
    project.write_text('[tool.poetry.dependencies]\npython = "~3.9"\ntensorflow = "^2.10"\n')
    found = read_request_file(project)
    assert [str(each.requirement) for each in found.requirements] == ["tensorflow<3,>=2.10"]
    assert str(found.requires_python) == "==3.9.*"


@pytest.mark.parametrize("files", ['["requirements.txt"]', '"requirements.txt"'])
def test_dynamic_dependencies_are_told_with_the_file_they_are_in(files: str, project: Path) -> None:
    fault = refusal(
        project,
        '[project]\nname = "a"\ndynamic = ["version", "dependencies"]\n'
        f"[tool.setuptools.dynamic]\ndependencies = {{file = {files}}}\n",
    )

    assert fault.message == (
        f"{project}: project.dependencies is dynamic: only a build of the project would tell it"
    )
    assert fault.remedies == ("read its file instead: -r requirements.txt",)


@pytest.mark.parametrize(
    "text",
    [
        "project = 3",
        "[project]\ndynamic = 3\ndependencies = 3",
        "[project]\nrequires-python = 3",
        '[project]\ndynamic = ["dependencies"]\n[tool]\nsetuptools = 3',
        '[project]\ndynamic = ["dependencies"]\n[tool.setuptools.dynamic.dependencies]\nfile = 3',
        "dependency-groups = 3\n[project]\noptional-dependencies = 3",
    ],
)
def test_a_table_of_the_wrong_type_is_refused_in_words(text: str, project: Path) -> None:
    assert refusal(project, text, extras=["a"], groups=["a"]).message.startswith(str(project))


def test_extras_and_groups_are_read_each_by_itself(project: Path) -> None:
    apart = Apart(extras=True, groups=True, but_extras=("LOOP",), but_groups=("test",))
    parsed = read_request_file(project, apart=apart)
    assert names(parsed) == OWN
    found = {str(s): [str(e.requirement) for e in asked] for s, asked in parsed.optional.items()}
    assert found == {
        "extra gpu": ["tensorflow[and-cuda]"],
        "extra plot": ['matplotlib; sys_platform != "win32"'],
        "extra all": [
            'tensorflow[and-cuda]; python_version > "3.9"',
            'matplotlib; python_version > "3.9" and sys_platform != "win32"',
            "pandas",
        ],
        "group dev": ["pytest>=8", "ruff", 'matplotlib; sys_platform != "win32"'],
    }


def test_a_name_that_no_marker_can_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[dependency-groups]\n"d\'ev" = []\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_request_file(path, apart=Apart(groups=True))
    assert "is no name for a group that is to be chosen from a lock" in caught.value.message
    apart = Apart(groups=True, but_groups=("d'ev",))
    assert read_request_file(path, apart=apart).optional == {}
