"""The end-to-end proof of the checks that no status field gives: faults planted one at a time, and a healthy twin."""
