"""What dispatch is measured with."""
