"""Articles list others that they are related to, and may list themselves."""

from tether import MANY_TO_MANY, Each, Relationship

article_article = Relationship(parent="article", child="article", via=Each("related"), cardinality=MANY_TO_MANY)
