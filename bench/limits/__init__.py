"""The limits that Tether is compared with: the same work, done by as little code as possible."""
