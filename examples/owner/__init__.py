"""What each example owner uses: a database, an outbox with its relay, and commands that are safe to repeat."""
