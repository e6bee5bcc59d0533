"""What everything else talks about: frozen data, enums and errors. Imports nothing of ours."""
