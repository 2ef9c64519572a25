"""What every example owner needs: a database, an outbox with its relay, commands that are safe to repeat."""
