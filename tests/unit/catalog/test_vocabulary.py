"""Owners: which sources belong to which owner."""

import pytest

from catalog.vocabulary import Owner


@pytest.mark.parametrize("source", ["/items", "/items/", "/items/node-1"])
def test_source_of_an_owner_is_its_name_by_default(source: str) -> None:
    assert Owner("items").publishes_from(source)


@pytest.mark.parametrize(
    "source", ["/item", "/items2", "/Items", "items", "https://items", "/%69tems", "/channels", ""]
)
def test_similar_source_is_not_of_the_owner(source: str) -> None:
    assert not Owner("items").publishes_from(source)


def test_declared_sources_replace_the_default() -> None:
    owner = Owner("items", sources=("https://items.example/prod", "urn:items"))
    assert owner.publishes_from("https://items.example/prod")
    assert owner.publishes_from("https://items.example/prod/7")
    assert owner.publishes_from("urn:items")
    assert not owner.publishes_from("https://items.example/production")
    assert not owner.publishes_from("/items")
