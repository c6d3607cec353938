"""Dispatch: durable batches, carried by workers through channels, with every outcome written down."""
