"""Backtest: logged predictions through the same sketches and the same engine as live ones, in their own time."""
