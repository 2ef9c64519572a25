"""Items are sorted into categories; an item may come first, and outlives its category."""

from datetime import timedelta

from tether import KEEP, ONE_TO_MANY, Relationship, Wait

category_item = Relationship(
    parent="category",
    child="item",
    via="category",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=KEEP,
)
