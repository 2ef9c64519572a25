"""Owners: whose sources are whose."""

import pytest

from catalog.vocabulary import Owner


@pytest.mark.parametrize("source", ["/items", "/items/", "/items/node-1"])
def test_an_owner_tells_from_its_name_unless_it_says_otherwise(source: str) -> None:
    assert Owner("items").tells_from(source)


@pytest.mark.parametrize(
    "source", ["/item", "/items2", "/Items", "items", "https://items", "/%69tems", "/channels", ""]
)
def test_no_other_source_is_an_owners(source: str) -> None:
    assert not Owner("items").tells_from(source)


def test_declared_sources_replace_the_name() -> None:
    owner = Owner("items", sources=("https://items.example/prod", "urn:items"))
    assert owner.tells_from("https://items.example/prod")
    assert owner.tells_from("https://items.example/prod/7")
    assert owner.tells_from("urn:items")
    assert not owner.tells_from("https://items.example/production")
    assert not owner.tells_from("/items")
