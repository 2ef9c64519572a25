"""Documents about contracts in formats of others: AsyncAPI, xRegistry, and pages for people."""
