"""What happens in each recorded run."""
