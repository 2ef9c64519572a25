"""Payloads of workflows and activities, and the ids of workflows. Imports nothing else of Tether."""
