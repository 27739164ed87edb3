"""Any lock of conda packages: Hypothesis strategies."""

from __future__ import annotations

import string
from urllib.parse import quote

from hypothesis import strategies as st
from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.formats.archives import build_number, noarch_of
from envlock.formats.conda_spec import selected
from envlock.index.secrets import redact
from envlock.model import (
    CondaPackage,
    CondaSpec,
    DistributionFile,
    Lock,
    LockedPackage,
    Part,
    RuleId,
)
from envlock.targets.subdirs import platform_of
from support.recorded import recorded

SUBDIRS = ("linux-64", "linux-aarch64", "osx-arm64", "win-64")
CHANNEL = "https://conda.anaconda.org/conda-forge/"
NAMES = st.from_regex(r"[a-z_][a-z0-9]*([._-][a-z0-9]+){0,2}", fullmatch=True).filter(
    lambda name: len(name) < 20 and name != "python"
)
PIP_NAMES = st.from_regex(r"pip-[a-z0-9]{1,5}", fullmatch=True)
VERSIONS = st.from_regex(r"([1-9]!)?[0-9]{1,3}(\.[0-9a-z]{1,3}){0,3}(_[a-z]{1,3})?", fullmatch=True)
BUILDS = st.from_regex(r"[a-z0-9]{1,8}(_[a-z0-9]{1,8})?(_[0-9]{1,4})?", fullmatch=True)
RULES = st.from_regex(r"[a-z0-9]+(-[a-z0-9.]+){0,3}", fullmatch=True).map(RuleId)
MD5 = st.binary(min_size=16, max_size=16).map(bytes.hex)
SHA256 = st.binary(min_size=32, max_size=32).map(bytes.hex)
WORDS = (
    st.text(min_size=1, max_size=40)
    .map(lambda text: " ".join("".join(c if c.isprintable() else " " for c in text).split()))
    .filter(lambda text: text and redact(text) == text)
)
#: What stands in records: versions, builds, names of licences.
FACTS = (
    st.text(string.ascii_letters + string.digits + " ._-+*<>=!,|[]'\"#:&@%(){}", min_size=1)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
BOUNDS = st.sampled_from(["", ">=3.11,<3.12.0a0", "1.2.*", "3.11.* *_cp311", "!=1|>2", "=1"])


@st.composite
def conda_packages(draw: st.DrawFn, name: str, subdir: str, version: str = "") -> CondaPackage:
    version = version or draw(VERSIONS)
    build = draw(BUILDS)
    folder = draw(st.sampled_from([subdir, "noarch"]))
    channel = draw(
        st.sampled_from(
            [CHANNEL, "https://host/t/x/", "https://host/label/dev/", "file:///opt/a%20b/"]
        )
    ).replace("/t/x/", "/get/")
    ending = draw(st.sampled_from([".conda", ".tar.bz2"]))
    return CondaPackage(
        name=name,
        version=version,
        build=build,
        build_number=draw(st.just(build_number(build)) | st.integers(0, 2000)) or 0,
        subdir=folder,
        channel=channel,
        url=f"{channel}{folder}/{name}-{version}-{build}{ending}",
        md5=draw(MD5),
        sha256=draw(SHA256 | st.none()),
        size=draw(st.none() | st.integers(0, 2**40)),
        timestamp=draw(st.none() | st.integers(10**12, 2 * 10**12)),
        depends=tuple(
            f"{n} {b}".strip() for n, b in draw(st.lists(st.tuples(NAMES, BOUNDS), max_size=3))
        ),
        constrains=tuple(draw(st.lists(FACTS, max_size=2))),
        license=draw(st.none() | FACTS),
        license_family=draw(st.none() | FACTS),
        noarch=draw(st.just(noarch_of(folder, build)) | st.sampled_from(["python", "generic"]))
        if folder == "noarch"
        else "",
        features=draw(st.none() | FACTS),
        track_features=tuple(draw(st.lists(FACTS, max_size=2))),
        purls=tuple(draw(st.lists(st.just("pkg:pypi/x"), max_size=1))),
        python_site_packages_path=draw(st.none() | st.just("lib/python3.11/site-packages")),
        via=tuple(sorted(draw(st.lists(WORDS | NAMES, max_size=3)))),
        because=tuple(sorted(draw(st.sets(RULES, max_size=2)))),
    )


@st.composite
def pip_packages(draw: st.DrawFn, name: str) -> LockedPackage:
    version = Version(f"{draw(st.integers(0, 30))}.{draw(st.integers(0, 30))}")
    stem = f"{name.replace('-', '_')}-{version}"
    files = []
    for ending in draw(
        st.sampled_from([["-py3-none-any.whl"], ["-py3-none-any.whl", ".tar.gz"], [".tar.gz"]])
    ):
        folder = draw(st.sampled_from(["https://host/a%20b/", "file:///opt/a%20b/"]))
        files.append(
            DistributionFile(
                filename=stem + ending,
                url=folder + quote(stem + ending),
                hashes={"sha256": draw(SHA256)},
            )
        )
    return LockedPackage(
        name=canonicalize_name(name),
        version=version,
        hashes=tuple(sorted(f"sha256:{each.hashes['sha256']}" for each in files)),
        via=tuple(sorted(draw(st.lists(WORDS | NAMES, max_size=3)))),
        because=tuple(sorted(draw(st.sets(RULES, max_size=2)))),
        files=tuple(files),
    )


@st.composite
def specs(draw: st.DrawFn) -> CondaSpec:
    return CondaSpec(
        name=draw(NAMES),
        version=draw(st.sampled_from(["", "=1.2", "==1.2", ">=1,<2", "1.2.*", "=1.8|1.9"])),
        channel=draw(st.sampled_from(["", "conda-forge", "sleap/label/dev", "https://host/x"])),
        only=selected(draw(st.sampled_from(["", "linux", "unix", "osx-arm64", "win64 or osx"])))
        or (),
        origin=draw(st.sampled_from(["command line", "environment.yml:7", "a # b.yml:1"])),
    )


@st.composite
def conda_locks(draw: st.DrawFn, *, most: int = 3) -> Lock:
    command, digest = draw(WORDS), f"sha256:{draw(SHA256)}"
    subdirs = sorted(draw(st.sets(st.sampled_from(SUBDIRS), min_size=1, max_size=most)))
    rules: dict[RuleId, str] = {}
    parts = []
    known: dict[str, CondaPackage] = {}
    for subdir in subdirs:
        python = draw(conda_packages("python", subdir, "3.11.15"))
        names = draw(st.sets(NAMES, max_size=3))
        drawn = [
            python,
            *(draw(conda_packages(name, subdir)) for name in sorted(names)),
        ]
        # One address is one package, on whichever platform; who asks for it may differ.
        firsts = [known.setdefault(each.url, each) for each in drawn]
        packages = [
            replace(first, via=each.via, because=each.because)
            for first, each in zip(firsts, drawn, strict=True)
        ]
        locked = [draw(pip_packages(name)) for name in sorted(draw(st.sets(PIP_NAMES, max_size=2)))]
        pins: list[CondaPackage | LockedPackage] = [*packages, *locked]
        for rule in sorted({rule for each in pins for rule in each.because}):
            if rule not in rules:
                rules[rule] = draw(st.just("") | WORDS)
        parts.append(
            Part(
                python="3.11",
                platform=str(platform_of(subdir)),
                subdir=subdir,
                conda=tuple(sorted(packages, key=lambda each: each.name)),
                pypi=tuple(locked),
                virtual=draw(st.sampled_from([("__glibc >=2.17,<3.0.a0", "__unix"), ()])),
                verified=draw(st.just("") | WORDS),
            )
        )
    return Lock(
        parts=tuple(parts),
        name=draw(WORDS),
        channels=tuple(
            draw(
                st.lists(
                    st.sampled_from(
                        ["conda-forge", "defaults", "https://h/x", "https://h/t/${T}/x"]
                    ),
                    unique=True,
                )
            )
        ),
        nodefaults=draw(st.booleans()),
        requested=tuple(draw(st.lists(specs(), max_size=3))),
        variables=draw(
            st.dictionaries(
                NAMES,
                st.text(st.characters(codec="utf-8"), max_size=9).filter(
                    lambda t: redact(t) == t and t == t.strip()
                ),
                max_size=2,
            )
        ),
        command=command,
        request_digest=digest,
        asked=draw(recorded()),
        notes=tuple(draw(st.lists(WORDS, max_size=2))),
        reasons={rule: why for rule, why in rules.items() if why},
    )
