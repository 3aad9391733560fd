"""Tests: unit, integration and make, and the lab of real servers they run against."""
