"""The side effects of workflows: one class of activities per workflow, and one for sweeps."""
