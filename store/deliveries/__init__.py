"""Deliveries: webhooks of consumers, how far each is, and what its receiver has not accepted."""
