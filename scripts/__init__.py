"""TRIM: looks after many Tiki sites from one folder."""
