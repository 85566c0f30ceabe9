"""What a target costs: measured on a small fleet and on pages of many sizes, multiplied for ``docs/scale.md``."""
