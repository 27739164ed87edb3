"""uv's explanations, of old and new uv, become a line of facts."""

from __future__ import annotations

import pytest

from envlock.engine.uv import sentences

NEW = """\
error: No solution found when resolving dependencies
  cause: Because tensorflow==2.15.1 depends on keras>=2.15.0,<2.16 and you require \
tensorflow==2.15.1, we can conclude that you require keras>=2.15.0,<2.16.
         And because you require keras>=3, we can conclude that your requirements are unsatisfiable.

hint: Pre-releases are available for `keras`
"""
OLD = """\
  \u00d7 No solution found when resolving dependencies:
  ╰─▶ Because tensorflow==2.15.1 depends on keras>=2.15.0,<2.16 and you
      require tensorflow==2.15.1, we can conclude that you require
      keras>=2.15.0,<2.16.
      And because you require keras>=3, we can conclude that your
      requirements are unsatisfiable.

      hint: Pre-releases are available for `keras`
"""
STEPS = """\
error: No solution found when resolving dependencies
  cause: Because jax==0.6.2 depends on numpy>=1.26, we can conclude that jax==0.6.2 needs it.
         And because tensorflow{sys_platform == 'linux'}==2.12.1 depends on numpy<=1.24.3, we can \
conclude that jax==0.6.2 and tensorflow==2.12.1 are incompatible. (1)

         Because jax>=0.11.0 depends on Python>=3.12, we can conclude that it cannot be used.
         And because we know from (1) that jax==0.6.2 and tensorflow==2.12.1 are incompatible, \
we can conclude that jax>=0.5.0 and tensorflow==2.12.1 are incompatible.
         And because you require jax>=0.5, we can conclude that your requirements are unsatisfiable.
"""
LISTS = """\
error: No solution found when resolving dependencies
  cause: Because transformers==4.30.0 depends on one of:
             tokenizers>=0.11.1,<0.11.3
             tokenizers>0.11.3,<0.14
         we can conclude that you require one of:
             tokenizers>=0.11.1,<0.11.3
             tokenizers>0.11.3,<0.14

         And because only the following versions of alpha are available:
             alpha==1
             alpha==2
             alpha==3
             alpha==4
             alpha==5
             alpha==6
             alpha>7
         and you require tokenizers>=0.20, we can conclude that your requirements are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (
            NEW,
            (
                "tensorflow==2.15.1 depends on keras>=2.15.0,<2.16 and you require"
                " tensorflow==2.15.1; you require keras>=3"
            ),
        ),
        (
            STEPS,
            (
                "jax==0.6.2 depends on numpy>=1.26; tensorflow==2.12.1 depends on numpy<=1.24.3;"
                " jax>=0.11.0 depends on Python>=3.12;"
                " jax==0.6.2 and tensorflow==2.12.1 are incompatible; you require jax>=0.5"
            ),
        ),
        (
            LISTS,
            (
                "transformers==4.30.0 depends on one of:"
                " tokenizers>=0.11.1,<0.11.3, tokenizers>0.11.3,<0.14;"
                " only the following versions of alpha are available:"
                " alpha==1, alpha==2, alpha==3, alpha==4, …, alpha>7"
                " and you require tokenizers>=0.20"
            ),
        ),
        (
            "error: No solution found when resolving dependencies\n  cause: something new\n",
            "something new",
        ),
    ],
    ids=["two facts", "numbered steps", "lists", "unknown words"],
)
def test_an_explanation_is_its_facts(said: str, facts: str) -> None:
    assert sentences(said) == facts


def test_an_older_uv_that_draws_and_wraps_says_the_same() -> None:
    assert sentences(OLD) == sentences(NEW)
