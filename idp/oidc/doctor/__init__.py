"""The client doctor: checks one relying party's registration and its refused requests."""
