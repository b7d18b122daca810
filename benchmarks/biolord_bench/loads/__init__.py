"""Loads on what users run: the server, a large bulk job, Ray."""
