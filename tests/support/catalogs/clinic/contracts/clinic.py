"""A clinic: sites, patients and their files, all of which may turn out to be the same."""

from typing import Any

from tether import (
    Changed,
    Command,
    Created,
    Deleted,
    Merged,
    MergeForbidden,
    MergeForbiddenLifted,
    MergePolicy,
    Owner,
    SurvivorRule,
    Unmerged,
)

OWNER = Owner("clinic")


class SiteOpened(Created, entity="site"):
    """A site was opened."""


class SiteClosed(Deleted, entity="site"):
    """A site was closed."""


class SiteMerged(Merged, entity="site", survivor="into", policy=MergePolicy(survivor=SurvivorRule.SMALLEST_KEY)):
    """A site was found to be another one."""

    into: str


class SiteUnmerged(Unmerged, entity="site", survivor="into"):
    """A site was found not to be another one."""

    into: str


class PatientAdmitted(Created, entity="patient"):
    """A patient was admitted."""

    site: Any = None
    guardian: Any = None


class PatientChanged(Changed, entity="patient"):
    """A patient is elsewhere, or has another guardian."""

    site: Any = None
    guardian: Any = None


class PatientDischarged(Deleted, entity="patient"):
    """A patient was discharged."""


class PatientMerged(Merged, entity="patient"):
    """Patients were found to be the same."""

    survivor: str
    losers: list[str]


class PatientUnmerged(Unmerged, entity="patient"):
    """Patients were found not to be the same."""

    survivor: str
    losers: list[str]


class PatientsKeptApart(MergeForbidden, entity="patient"):
    """Two patients must never be taken for the same."""

    one: str
    other: str


class PatientsMayBeMerged(MergeForbiddenLifted, entity="patient"):
    """Two patients may be the same again."""

    one: str
    other: str


class FileOpened(Created, entity="file"):
    """A file was opened, for a patient who needs one."""


class FileChanged(Changed, entity="file"):
    """Something was added to a file."""


class FileDestroyed(Deleted, entity="file"):
    """A file was destroyed."""


class FileMerged(Merged, entity="file"):
    """Files were found to be the same."""

    survivor: str
    losers: list[str]


class FileUnmerged(Unmerged, entity="file"):
    """Files were found not to be the same."""

    survivor: str
    losers: list[str]


class OpenFile(Command, method="POST", path="/files"):
    """Open a file."""
