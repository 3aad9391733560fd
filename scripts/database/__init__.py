"""Databases: who may enter, asking, dumping, loading, proving that two hold the same."""
