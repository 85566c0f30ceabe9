"""Simulated Bitrix24 portals (bitrix24.md section 15)."""

from exporter.simulator.bitrix24.simulator import Bitrix24Simulator

__all__ = ["Bitrix24Simulator"]
