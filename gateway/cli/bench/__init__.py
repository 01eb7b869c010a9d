"""The figures of the house: ratios within one run on one machine, each with what it was measured on."""
