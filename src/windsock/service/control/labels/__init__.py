"""Answers that people label: which, what they say, and what each label bought."""
