"""The front desk: brings a citizen from a requirement to a session. Knows no OAuth."""
