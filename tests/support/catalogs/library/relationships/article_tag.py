"""Articles list their tags; a tag that is dropped is taken from them."""

from tether import MANY_TO_MANY, Detach, Each, Relationship

from ..contracts.library import RetagArticle, UntagArticle

article_tag = Relationship(
    parent="tag",
    child="article",
    via=Each("tags"),
    cardinality=MANY_TO_MANY,
    on_parent_deleted=Detach(UntagArticle),
    detach=UntagArticle,
    move=RetagArticle,
)
