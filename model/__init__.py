"""What is right: the state as a pure function of the set of facts, written straight from its definition.

Plain Python without I/O, made to be read and compared with; the store comes to the same answer another way.
"""
