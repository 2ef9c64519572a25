"""Erasure: the data of one entity is emptied wherever it is kept, and a certificate says where."""
