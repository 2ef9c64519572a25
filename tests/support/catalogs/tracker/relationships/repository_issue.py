"""Issues are in a repository."""

from tether import Relationship

repository_issue = Relationship(parent="repository", child="issue", via="repository.id")
