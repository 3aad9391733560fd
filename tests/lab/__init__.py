"""Real servers and sample Tikis, started for a test run or `make demo` and gone after it."""
