"""JSON Schemas of contracts: how they are made, and whether what one of them describes is accepted by another."""
