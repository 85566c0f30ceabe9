"""Simulated Wix sites (wix.md section 13)."""

from exporter.simulator.wix.simulator import WixSimulator

__all__ = ["WixSimulator"]
