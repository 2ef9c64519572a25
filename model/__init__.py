"""The reference fold: the state of a tenant as a pure function of its set of facts, written from the definition.

Plain Python without I/O, made for reading and for comparison. The store computes the same state in another way, and
shares no code with it.
"""
