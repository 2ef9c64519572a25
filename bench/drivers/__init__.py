"""The load of a measurement: a Tether stack, clients, owners and generated facts."""
