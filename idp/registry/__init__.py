"""The population registry: persons, former numbers and chip cards. Another authority's data."""
