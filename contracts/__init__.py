"""The facts that owners publish and the commands that they carry out: one module per owner."""
