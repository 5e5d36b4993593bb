"""`make bench`: what the product costs, measured on the real processes beside the physical limits of the machine."""
