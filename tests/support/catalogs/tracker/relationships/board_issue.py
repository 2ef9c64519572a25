"""Issues are on a board."""

from tether import Relationship

board_issue = Relationship(parent="board", child="issue", via="board")
