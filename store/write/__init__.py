"""Writing facts: one transaction from the ledger to the outbox."""
