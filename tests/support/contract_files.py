"""A catalog directory with the contracts of shops, in a git repository of its own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SHOPS = '''
from tether import Changed, Created, Deleted, Owner
OWNER = Owner("shops")
class ShopOpened(Created, entity="shop"):
    """A shop has opened."""
    title: str
    phone: str | None = None
    city: str | None = None
class ShopMoved(Changed, entity="shop"):
    """A shop is elsewhere now."""
    city: str | None = None
class ShopClosed(Deleted, entity="shop"):
    """A shop was closed."""
'''
WINDOW = """
from tether import Replica
shop_window = Replica("shop_window", of="shop", fields=("title", "phone"))
"""
MALL = """
from tether import Relationship
city_shop = Relationship(parent="group", child="shop", via="city")
"""


@dataclass(frozen=True)
class ContractFiles:
    """The directory. ``commit`` names what it returns: a revision of git."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> "ContractFiles":
        """Writes and commits the first state."""
        files = cls(root)
        files.write("contracts/shops.py", SHOPS)
        files.write("replicas/shop_window.py", WINDOW)
        files.write("relationships/city_shop.py", MALL)
        files.git("init", "-q")
        files.commit()
        return files

    def write(self, name: str, text: str) -> None:
        """Writes a file."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def change(self, before: str, after: str) -> None:
        """Replaces a piece of the contracts."""
        text = (self.root / "contracts/shops.py").read_text(encoding="utf-8")
        assert before in text
        self.write("contracts/shops.py", text.replace(before, after))

    def commit(self) -> str:
        """Commits everything."""
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "-qm", "state")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Runs git; returns its output."""
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()
