"""What Tether is measured against: the same work done by the least code that does it."""
