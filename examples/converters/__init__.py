"""Converters of what registries of people publish about merges, to facts that ``tether import`` takes.

Each reads standard input, and prints one CloudEvent a line: ``python -m examples.converters.fhir < bundle.json``,
``python -m examples.converters.hl7 < messages.hl7``. The id of a fact is a hash of all that it says, so that a second
run prints the same facts, which have no second effect. They have a time and no sequence: where the owner itself states
sequences in facts about the same two people, its word counts. Plain Python: nothing else of Tether is needed.
"""
