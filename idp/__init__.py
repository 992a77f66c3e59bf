"""A national e-identification OpenID provider."""
