"""What creators' decisions change in the next catalogue, and what keeps them from harming it; see docs/feedback.md."""
