"""What uv 0.13 and pip 21 and 26 print, and the errors that are made of it."""

from __future__ import annotations

import pytest

from envlock.environment.installer import install_failure
from envlock.errors import EnvlockError, IndexFailure, InstallFailure

ONE = "1" * 64
TWO = "2" * 64
GOT = "4" * 64

UV_MISMATCH = f"""\
Using Python 3.11.7 environment at: v
Resolved 1 package in 49ms
error: Failed to download `six==1.17.0`
  cause: Hash mismatch for `six==1.17.0`

         Expected:
           sha256:{ONE}
           sha256:{TWO}

         Computed:
           sha256:{GOT}
"""
PIP_MISMATCH = f"""\
Looking in indexes: http://127.0.0.1:8080/simple
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated.
    six==1.17.0 from http://127.0.0.1:8080/six-1.17.0-py2.py3-none-any.whl#sha256=4444:
        Expected sha256 {ONE}
        Expected     or {TWO}
             Got        {GOT}
"""


@pytest.mark.parametrize("output", [UV_MISMATCH, PIP_MISMATCH], ids=["uv", "pip"])
def test_a_wrong_file_names_the_package_and_both_hashes(output: str) -> None:
    error = install_failure("/env", output)
    assert isinstance(error, InstallFailure)
    assert error.message == (
        "six==1.17.0: the file that the index gave is not the one that was locked\n"
        f"  locked sha256:{ONE}, sha256:{TWO}\n"
        f"  got    sha256:{GOT}"
    )
    assert error.remedies == ("--upgrade-package six",)


def test_of_many_locked_hashes_three_are_shown() -> None:
    many = "\n           ".join(f"sha256:{each}" for each in (ONE, TWO, "3" * 64, GOT, "5" * 64))
    error = install_failure("/env", UV_MISMATCH.replace(f"sha256:{ONE}", many))
    assert f"  locked sha256:{ONE}, sha256:{TWO}, sha256:{'3' * 64} and 3 more\n" in error.message


REFUSED = """\
Using Python 3.11.7 environment at: v
error: Failed to fetch: http://127.0.0.1:9/simple/six/
  cause: error sending request for url (http://u:secret@127.0.0.1:9/simple/six/)
  cause: Connection refused (os error 111)
"""
REFUSED_TOLD = """\
the packages for /env could not be fetched
  error: Failed to fetch: http://127.0.0.1:9/simple/six/
    cause: error sending request for url (http://****@127.0.0.1:9/simple/six/)
    cause: Connection refused (os error 111)"""
CUT_OFF = """\
error: Failed to download `six==1.17.0`
  cause: error decoding response body
  cause: end of file before message length reached
"""
CUT_OFF_TOLD = """\
the packages for /env could not be fetched
  error: Failed to download `six==1.17.0`
    cause: error decoding response body
    cause: end of file before message length reached"""
PIP_REFUSED = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/six/
ERROR: Could not find a version that satisfies the requirement six==1.17.0 (from versions: none)
ERROR: No matching distribution found for six==1.17.0
"""
PIP_REFUSED_TOLD = """\
the packages for /env could not be fetched
  ERROR: Could not find a version that satisfies the requirement six==1.17.0 (from versions: none)
  ERROR: No matching distribution found for six==1.17.0"""
NO_WHEEL = """\
error: No solution found when resolving dependencies
  cause: Because tensorflow-cpu==2.4.4 has no wheels with a matching Python ABI tag.

hint: You require CPython 3.11 (`cp311`)
"""
NO_WHEEL_TOLD = """\
the packages could not be installed in /env
  error: No solution found when resolving dependencies
    cause: Because tensorflow-cpu==2.4.4 has no wheels with a matching Python ABI tag.
  hint: You require CPython 3.11 (`cp311`)"""
FELL_TOLD = """\
the packages could not be installed in /env
  it fell over"""


@pytest.mark.parametrize(
    ("output", "kind", "message"),
    [
        pytest.param(REFUSED, IndexFailure, REFUSED_TOLD, id="refused"),
        pytest.param(CUT_OFF, IndexFailure, CUT_OFF_TOLD, id="cut off"),
        pytest.param(PIP_REFUSED, IndexFailure, PIP_REFUSED_TOLD, id="pip refused"),
        pytest.param(NO_WHEEL, InstallFailure, NO_WHEEL_TOLD, id="no wheel"),
        pytest.param("it fell over\n", InstallFailure, FELL_TOLD, id="no error line"),
    ],
)
def test_the_installers_last_words_are_told_without_credentials(
    output: str, kind: type[EnvlockError], message: str
) -> None:
    error = install_failure("/env", output)
    assert type(error) is kind
    assert error.message == message


def test_of_a_long_build_log_the_end_is_shown() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    error = install_failure("/env", f"error: The build backend returned an error\n{log}\n")
    assert error.message.splitlines()[1:] == [f"  line {number}" for number in range(85, 100)]
