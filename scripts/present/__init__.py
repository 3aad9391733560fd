"""What people and programs are shown: lines, tables, JSON, questions, progress."""
