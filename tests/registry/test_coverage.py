"""Coverage: every requirement that is observable on the wire is either cited by a case or listed in uncovered.toml."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

import pytest

from wsconform.catalogue.case import binding
from wsconform.catalogue.load import load_catalogue
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role

#: Categories that have no cases yet.
ELSEWHERE = {"h2", "h3"}

#: The largest number of requirements of a role without a case.
MOST = 15


@functools.cache
def uncovered() -> dict[str, dict[str, str]]:
    """Return the reasons of uncovered.toml by role and requirement."""
    text = resources.files("wsconform.cases").joinpath("uncovered.toml").read_text("utf-8")
    return tomllib.loads(text)


def wanted(role: Role) -> set[str]:
    return {
        id
        for id, entry in load_registry().items()
        if entry.observable == "wire" and role in entry.roles and entry.category not in ELSEWHERE
    }


def cited(role: Role) -> set[str]:
    registry = load_registry()
    entries = [entry for entry in load_catalogue() if binding(entry, role, registry)]
    return {id for entry in entries for id in entry.requirements if role in registry[id].roles}


@pytest.mark.parametrize(("role", "count"), [(Role.SERVER, 365), (Role.CLIENT, 322)])
def test_every_requirement_is_cited_or_explained(role: Role, count: int) -> None:
    assert len(wanted(role)) == count
    assert wanted(role) - cited(role) - set(uncovered()[role.value]) == set()


@pytest.mark.parametrize("role", [Role.SERVER, Role.CLIENT])
def test_uncovered_requirements_are_few_and_not_cited(role: Role) -> None:
    explained = uncovered()[role.value]
    assert len(explained) <= MOST
    assert set(explained) <= wanted(role)
    assert set(explained) & cited(role) == set()
    assert all(len(reason) > 40 for reason in explained.values())


@pytest.mark.parametrize(("role", "least"), [(Role.SERVER, 450), (Role.CLIENT, 450)])
def test_the_catalogue_is_large_enough(role: Role, least: int) -> None:
    registry = load_registry()
    assert sum(binding(entry, role, registry) is not None for entry in load_catalogue()) >= least
