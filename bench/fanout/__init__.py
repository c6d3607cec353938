"""What `bench/audience.py` is made of: a made-up crowd, what a user would pick instead, and ourselves."""
