"""The telling: realtime tells the others."""
