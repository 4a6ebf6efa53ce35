"""Gate and judge on simulated tables and traffic: plain arrays, no stack."""
