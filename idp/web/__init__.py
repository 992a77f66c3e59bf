"""HTTP, pages and their safety: no product logic."""
