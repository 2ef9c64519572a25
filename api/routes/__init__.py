"""One router per path segment."""
