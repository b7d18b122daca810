"""Loads on what users run: the server and a large bulk job."""
