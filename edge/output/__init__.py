"""What a person sees: table, report, annotated pictures and videos."""
