"""What is to be cured, as values."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from envlock.model import IndexSettings, Rule, Severity, Target, Violation
from envlock.rules.check import Situation, violations
from envlock.rules.frameworks import frameworks


class Owners(Struct, frozen=True, kw_only=True):
    """Distributions that own one import package, of which one may stay; why, and by which rule."""

    names: frozenset[NormalizedName]
    rule: str
    because: str


class Complaint(Struct, frozen=True, kw_only=True):
    """Versions that do not work together, and what may be done about it.

    ``requires`` are the requirements that packages declare, markers judged.
    ``broken`` are the rules to be met; ``owners``, ``reinstall`` (package →
    why) and ``missing`` (requirement → why) are faults of the state.
    ``fixed`` packages cannot be installed anew (editable ones), ``keep`` are
    not to be, ``allow`` may move from the start. With ``listed`` the packages
    are lines of a file: what is kept is asked for as well, with its ``extras``
    (package → how they are written); nothing is built then, and the
    ``unread`` are left out, which are source alone.
    """

    packages: Mapping[NormalizedName, Version]
    target: Target
    situation: Situation
    rules: tuple[Rule, ...]
    settings: IndexSettings
    requires: Mapping[NormalizedName, tuple[Requirement, ...]] = field(default_factory=dict)
    broken: tuple[Violation, ...] = ()
    owners: tuple[Owners, ...] = ()
    reinstall: Mapping[NormalizedName, str] = field(default_factory=dict)
    missing: Mapping[Requirement, str] = field(default_factory=dict)
    loose: tuple[Requirement, ...] = ()
    fixed: frozenset[NormalizedName] = frozenset()
    keep: frozenset[NormalizedName] = frozenset()
    allow: frozenset[NormalizedName] = frozenset()
    listed: bool = False
    extras: Mapping[NormalizedName, str] = field(default_factory=dict)
    unread: tuple[NormalizedName, ...] = ()

    @property
    def nothing_wrong(self) -> bool:
        """Whether there is nothing to cure."""
        return not (self.broken or self.owners or self.reinstall or self.missing)

    def faults(self) -> dict[str, str]:
        """Return what the rules are against: id → why."""
        broken = {str(each.rule.id): each.rule.because for each in self.broken}
        return {**broken, **{each.rule: each.because for each in self.owners}}

    @property
    def framework(self) -> NormalizedName | None:
        """The installed distribution of a framework; of several, the one that stays."""
        members = (name for each in frameworks() for name in each.members)
        return next((name for name in members if name in self.packages), None)

    def strict(self) -> Complaint:
        """The same, where rules that only degrade are to be met as well."""
        found = violations(self.rules, self.packages, self.situation)
        lesser = [each for each in found if each.rule.severity is Severity.DEGRADES]
        wanted = tuple(each for each in lesser if each.case.demands)
        ids = {each.rule.id for each in wanted}
        return replace(
            self,
            broken=(*self.broken, *wanted),
            rules=tuple(
                replace(rule, severity=Severity.BREAKS) if rule.id in ids else rule
                for rule in self.rules
            ),
        )

    def movable(self, name: NormalizedName) -> bool:
        """Whether a package is there and may move when it must."""
        return name in self.packages and name not in self.fixed and name not in self.keep

    def without(self, names: frozenset[NormalizedName]) -> Complaint:
        """The case once ``names`` are gone."""
        kept = {name: version for name, version in self.packages.items() if name not in names}
        return replace(self, packages=kept, owners=())

    def bounds_on(self, free: frozenset[NormalizedName]) -> list[str]:
        """What the packages that stay declare about those that do not, as constraints."""
        return [
            f"{requirement.name}{requirement.specifier}"
            for name, requirements in self.requires.items()
            if name in self.packages and name not in free
            for requirement in requirements
            if requirement.specifier
            and not requirement.url
            and canonicalize_name(requirement.name) not in self.packages.keys() - free
        ]
