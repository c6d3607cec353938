"""What bringing many people in is measured with."""
