"""Adaptation: a model that exists learns from a department's first few cases, without forgetting what it could."""
