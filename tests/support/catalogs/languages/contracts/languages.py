"""Codes of languages, as ISO 639-3 publishes them: some are found to be of the same language, some of none."""

from tether import Created, Deleted, Merged, Owner, Unmerged

OWNER = Owner("languages")


class LanguageAdded(Created, entity="language"):
    """A language has got a code."""

    macrolanguage: str | None = None
    """The code of the macrolanguage that it belongs to."""


class LanguageRetired(Deleted, entity="language"):
    """The code is used no more: the language was split into several, or does not exist."""


class LanguageMerged(Merged, entity="language", survivor="change_to"):
    """The code is used no more: its language is the one with another code."""

    change_to: str


class LanguageUnmerged(Unmerged, entity="language", survivor="change_to"):
    """The code is of a language of its own again."""

    change_to: str
