"""Secure Boot: what of a volume is signed, and how."""
