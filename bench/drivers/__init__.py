"""The load of a measurement: a Tether, clients, owners and made-up facts."""
