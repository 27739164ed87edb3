"""What a module binds and what a release's public names are, read from texts and never run."""

from textwrap import dedent

import pytest

from tools.api_modules import Class, Function, Import, Value, read_module
from tools.api_surface import Code, Layout, importable, surface


def names_of(
    texts: dict[str, str], *, behind: tuple[str, ...] = (), unlisted: tuple[str, ...] = ()
) -> dict[str, str]:
    """The surface of modules, given as texts; those with a child are packages."""
    packages = {name for name in texts if any(each.startswith(f"{name}.") for each in texts)}
    code = Code({name: name in packages for name in texts})
    code.load({name: dedent(text).encode() for name, text in texts.items()})
    root = next(iter(texts))
    return surface(code, Layout(roots=(root,), public=(root,), behind=behind, unlisted=unlisted))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x, y=1", "x,y="),
        ("a, /, b, *, c, d=2", "a,/,b,*,c,d="),
        ("*args, key=None, **rest", "*args,key=,**rest"),
        ("", ""),
    ],
)
def test_parameters_are_written_with_what_is_optional(written: str, expected: str) -> None:
    found = dict_of(f"def f({written}): ...")["f"]
    assert found == Function(expected)


def dict_of(text: str) -> dict[str, object]:
    return {name: what for name, what, _ in read_module(dedent(text), "p.m", package=False).steps}


def test_imports_are_made_absolute_and_the_first_branch_counts() -> None:
    steps = read_module(
        dedent("""\
        from . import a
        from .b import c as d
        try:
            import fast as engine
        except ImportError:
            import slow as engine
        """),
        "p.m",
        package=False,
    ).steps
    assert steps == [
        ("a", Import("p", "a"), False),
        ("d", Import("p.b", "c"), False),
        ("engine", Import("fast"), False),
        ("engine", Import("slow"), True),
    ]


def test_a_class_has_its_methods_without_self_and_what_they_set() -> None:
    found = dict_of("""\
        class Model(Base, Generic[T]):
            size = 3
            def __init__(self, units, **kwargs):
                self.units = units
                self._hidden = 1
            @property
            def weights(self): ...
            @classmethod
            def make(cls, config): ...
            @staticmethod
            def free(x): ...
        """)["Model"]
    assert found == Class(
        bases=("Base", "Generic"),
        members={
            "size": "v",
            "__init__": "f(units,**kwargs)",
            "weights": "v",
            "make": "f(config)",
            "free": "f(x)",
            "units": "v",
        },
        dynamic=False,
    )


def test_a_lazy_module_is_found_through_the_text_of_a_name() -> None:
    found = dict_of("""\
        _package = "keras.api."
        losses = _LazyLoader("losses", globals(), _package + "losses")
        """)
    assert found["losses"] == Import("keras.api.losses")
    assert found["_package"] == Value("keras.api.")


def test_what_is_no_python_is_open_and_says_nothing() -> None:
    module = read_module("print 'old'", "p", package=False)
    assert module.dynamic
    assert module.steps == []


@pytest.mark.parametrize(
    "text",
    [
        "globals()[name] = 1",
        "setattr(module, name, 1)",
        "globals().update(found)",
        "def __getattr__(n): ...",
    ],
)
def test_a_module_that_makes_names_while_it_runs_is_open(text: str) -> None:
    assert names_of({"p": text})["p"] == "o"


def test_a_name_is_told_once_and_the_others_lead_to_it() -> None:
    assert names_of(
        {
            "p": "from p.ops import add",
            "p.ops": "from p.core import add\nplus = add",
            "p.core": "def add(x, y): ...",
        }
    ) == {
        "p": "m",
        "p.ops": "m",
        "p.core": "m",
        "p.add": "f(x,y)",
        "p.ops.add": "=p.add",
        "p.ops.plus": "=p.add",
        "p.core.add": "=p.add",
    }


def test_a_star_takes_what_the_module_lists() -> None:
    found = names_of(
        {
            "p": "from p.a import *\nfrom p.b import *",
            "p.a": "__all__ = ['x']\n__all__ += ['y']\nx = y = z = 1",
            "p.b": "_hidden = shown = 1",
        }
    )
    assert {name for name in found if name.count(".") == 1} == {
        "p.a",
        "p.b",
        "p.x",
        "p.y",
        "p.shown",
    }


def test_an_api_behind_other_modules_has_the_names_that_lead_there() -> None:
    found = names_of(
        {
            "p": "from p._api.v2 import math",
            "p._api.v2": "",
            "p._api.v2.math": "from p.python.ops import add",
            "p.python.ops": "class Base:\n  def run(self): ...\nclass add(Base): ...",
        },
        behind=("p._api",),
        unlisted=("python",),
    )
    assert found == {
        "p": "m",
        "p._api.v2": "o",
        "p._api.v2.math": "o",
        "p.python.ops": "o",
        "p.math": "m",
        "p.math.add": "c(p.python.ops.Base)",
        "p.python.ops.Base": "c()",
        "p.python.ops.Base.run": "f()",
    }


def test_a_base_of_another_distribution_is_named_only_if_that_has_a_table() -> None:
    text = "import tensorflow as tf\nimport other\nclass A(tf.Module): ...\nclass B(other.C): ..."
    code = Code({"p": False})
    code.load({"p": text.encode()})
    layout = Layout(roots=("p",), public=("p",), foreign=frozenset({"tensorflow"}))
    found = surface(code, layout)
    assert (found["p.A"], found["p.B"]) == ("c(tensorflow.Module)", "c(?)")


def test_what_is_not_loaded_is_asked_for() -> None:
    code = Code({"p": True, "p.a": False, "p.b": False})
    code.load({"p": b"from p.a import f"})
    surface(code, Layout(roots=("p",), public=("p",), unlisted=("a", "b")))
    assert code.missing == {"p.a"}


def test_modules_are_found_in_a_wheel_and_tests_are_left_out() -> None:
    assert importable(
        [
            "p/__init__.py",
            "p/a.py",
            "p/fast.cpython-311-x86_64-linux-gnu.so",
            "p/a_test.py",
            "p/tests/test_a.py",
            "p/data.txt",
            "p-1.0.data/purelib/q/__init__.py",
            "p-1.0.dist-info/METADATA",
        ]
    ) == {
        "p": ("p/__init__.py", True),
        "p.a": ("p/a.py", False),
        "p.fast": ("p/fast.cpython-311-x86_64-linux-gnu.so", None),
        "q": ("p-1.0.data/purelib/q/__init__.py", True),
    }


def test_members_of_the_standard_library_are_written_out() -> None:
    found = names_of(
        {
            "p": """\
                import queue
                from collections.abc import Sized
                from p.containers import Sized as Own
                class Fault(Exception): ...
                class Line(queue.Queue, Sized, Own): ...
                """,
            "p.containers": "class Sized: ...",
        }
    )
    assert found["p.Fault"] == "c()"
    assert found["p.Fault.with_traceback"] == "v"
    assert found["p.Line"] == "c(p.Own)"
    assert found["p.Line.get_nowait"] == "v"


def test_a_name_of_another_package_is_told_where_a_module_assigns_it() -> None:
    code = Code({"p": True, "p.text": False})
    text = "from keras_preprocessing import text\nimport numpy as np\nTokenizer = text.Tokenizer"
    code.load({"p": b"", "p.text": text.encode()})
    layout = Layout(roots=("p",), public=("p",), foreign=frozenset({"keras_preprocessing"}))
    assert surface(code, layout) == {
        "p": "m",
        "p.text": "m",
        "p.text.Tokenizer": "=keras_preprocessing.text.Tokenizer",
    }


def test_a_module_may_give_names_to_another() -> None:
    found = names_of(
        {
            "p": "from p import app\nfrom p.x import flags\napp.flags = flags",
            "p.app": "",
            "p.x": "def flags(): ...",
        }
    )
    assert found["p.app.flags"] == "=p.flags"


def test_an_attribute_that_hides_a_module_leaves_it_open() -> None:
    found = names_of(
        {"p": "from p.x import eager", "p.x": "eager = 3", "p.eager": "def f(): ..."},
    )
    assert found["p.eager"] == "o"
