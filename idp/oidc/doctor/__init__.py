"""The client doctor: what is wrong with one relying party's registration and requests."""
