"""Facts: the CloudEvents envelope, validation, order key, correlation ids, and Tether's own facts."""
