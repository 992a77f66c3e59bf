"""The HTTP server: connections, threads, TLS, worker processes. It knows WSGI, not the product."""
