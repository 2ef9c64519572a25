"""What owners tell, and can be asked: one module per owner."""
