"""How it is asked: HTTP, one router per path segment."""
